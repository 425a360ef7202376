"""The index of a library of which only the number of pictures is known: for planning, in a dry run's own folder."""

from pathlib import Path

from unicedit.config.library import LibrarySettings
from unicedit.errors import PipelineError
from unicedit.index.manifest import write_manifests

MOST_SHARDS = 100_000  # a shard's name has five digits


def shard_sizes(pictures: int, shard_size: int) -> list[int]:
    """Pictures of each shard, in order: all full but perhaps the last. Raises ``PipelineError`` for more shards than there are names."""
    full, rest = divmod(pictures, shard_size)
    if full + bool(rest) > MOST_SHARDS:
        raise PipelineError(
            f"config: library.shard_size = {shard_size}: {pictures:,} pictures would be more than {MOST_SHARDS:,} shards; "
            f"at least {-(-pictures // MOST_SHARDS)} is needed"
        )
    return [shard_size] * full + [rest] * bool(rest)


def declared_manifests(pictures: int, settings: LibrarySettings, overlay: Path) -> dict[str, Path]:
    """A manifest without entries for each shard of ``pictures``, in one generation; returns their paths by shard."""
    common = {"generation": 0, "kind": "declared", "root": "", "entries": []}
    shards = {f"{number:05d}": dict(common) for number, _ in enumerate(shard_sizes(pictures, settings.shard_size))}
    return write_manifests(shards, shards, settings, overlay, overlay)
