"""The index of the library: which shard holds which files (design section 3).

Append-only: files added later become new shards of a new generation; a shard's manifest is written again only when a file of it really changed or vanished.
Jobs read manifests; the head process alone scans and writes.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unicedit.config.library import LibrarySettings
from unicedit.files import read_json, write_json
from unicedit.index.scan import Found, LibraryError, Source, digest_of_file, fingerprint, scan

FORMAT = 1
Recorded = Callable[[str, str], str | None]
State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Index:
    """The shards in order, the generation of each, and the shards of each generation."""

    shards: list[str]
    generation_of: dict[str, int]
    generations: list[list[str]]


def load(folder: Path) -> Index:
    """The index as it is on disk. Raises ``LibraryError`` when there is none."""
    path = folder / "shards.json"
    if not path.exists():
        raise LibraryError(f"{path}: there is no index yet; run Snakemake once with library.rescan: true")
    return _index(read_json(path)["generations"])


def _index(generations: list[list[str]]) -> Index:
    of = {shard: number for number, shards in enumerate(generations) for shard in shards}
    return Index([shard for shards in generations for shard in shards], of, generations)


def manifest_path(folder: Path, shard: str) -> Path:
    """Where a shard's manifest lies."""
    return folder / f"{shard}.json"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One head process at a time writes the index; a second waits for the moment it takes."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def refresh(settings: LibrarySettings, world_images: int, folder: Path, recorded_digest: Recorded) -> Index:
    """Scan the library, take what is new, changed or gone into the index, and return it.

    ``recorded_digest(shard, name)`` is the digest of a file's bytes that ingest recorded, None where it has not. Raises ``LibraryError`` for a library
    that is missing, empty, or mostly vanished.
    """
    with _locked(folder):
        path = folder / "state.json"
        state: State = read_json(path) if path.exists() else {"format": FORMAT, "generations": [], "shards": {}}
        before = _frozen(state)
        if settings.rescan or not state["generations"]:
            sources = [_world(world_images)] if settings.kind == "world" else scan(settings)
            _take(state, sources, settings, folder, recorded_digest)
        if not state["generations"]:
            where = settings.path or settings.list_file
            raise LibraryError(
                f"config: library.path = {where!r}: holds no picture (jpg, png, webp, tiff, bmp, avif, gif), tar or Parquet file"
            )
        if _frozen(state) != before:
            write_json(path, state)
        shards_path = folder / "shards.json"
        light = {"format": FORMAT, "generations": state["generations"]}
        if not shards_path.exists() or read_json(shards_path) != light:
            write_json(shards_path, light)
    return _index(state["generations"])


def _frozen(state: State) -> str:
    return json.dumps(state, sort_keys=True)


def _world(images: int) -> Source:
    from unicedit.world.library import names

    return Source("world", "world:1", {name: Found(name, 0, 0) for name in names(images)})


def _take(state: State, sources: list[Source], settings: LibrarySettings, folder: Path, recorded_digest: Recorded) -> None:
    known: dict[str, dict[str, tuple[str, int]]] = {}
    for shard, content in state["shards"].items():
        names = known.setdefault(content["source"], {})
        for position, entry in enumerate(content["entries"]):
            if not entry.get("removed"):
                names[entry["name"]] = (shard, position)
    changed: set[str] = set()
    by_name = {source.name: source for source in sources}
    for name, files in known.items():
        found = by_name[name].files if name in by_name else {}
        gone = [file for file in files if file not in found]
        if len(gone) * 2 > len(files) and not settings.allow_removal and not name.startswith("world:"):
            raise LibraryError(
                f"library: {len(gone)} of {len(files)} indexed files under {name.split(':', 1)[1]} are gone, first {gone[0]!r}; "
                "is it mounted? Set library.allow_removal: true to take them out of the dataset"
            )
        for file in gone:
            shard, position = files[file]
            state["shards"][shard]["entries"][position]["removed"] = True
            changed.add(shard)
        for file, (shard, position) in files.items():
            if file in found and _settle(state["shards"][shard], position, found[file], shard, recorded_digest):
                changed.add(shard)
    added = [shard for source in sources for shard in _new_shards(source, known.get(source.name, {}), settings, len(state["generations"]))]
    if added:
        first = len(state["shards"])
        numbers = [f"{first + number:05d}" for number in range(len(added))]
        state["shards"].update(zip(numbers, added, strict=True))
        state["generations"].append(numbers)
        changed.update(numbers)
    state["skipped"] = {source.name: dict(sorted(source.skipped.items())) for source in sources if source.skipped}
    for shard, content in state["shards"].items():
        _write_manifest(folder, shard, content, settings, changed)


def _settle(content: dict[str, Any], position: int, found: Found, shard: str, recorded_digest: Recorded) -> bool:
    """Compare an entry with the file on disk; True when its manifest has to say so. A touched file with the same bytes has not changed."""
    entry = content["entries"][position]
    if entry["size"] == found.size and entry["mtime"] == found.mtime:
        return False
    same_size = entry["size"] == found.size
    entry["size"], entry["mtime"] = found.size, found.mtime
    path = os.path.join(content["root"], found.name)
    if content["kind"] == "folder":
        recorded = recorded_digest(shard, found.name)
        if same_size and (recorded is None or recorded == digest_of_file(path)):
            return False
        entry["revision"] += 1
        return True
    mark = fingerprint(path)
    if mark == entry["fingerprint"]:
        return False
    entry["fingerprint"] = mark
    entry["revision"] += 1
    if content["kind"] == "parquet":  # its row groups may lie elsewhere now: this range ends, the file comes back as new shards
        entry["removed"] = True
    return True


def _new_shards(source: Source, known: dict[str, tuple[str, int]], settings: LibrarySettings, generation: int) -> Iterator[dict[str, Any]]:
    """The shards for files that are not in the index yet: loose files by number, each tar as one, Parquet files by row groups."""
    common = {"source": source.name, "kind": source.kind, "root": source.root, "generation": generation}
    new = [source.files[name] for name in sorted(source.files) if name not in known]
    if source.kind in ("folder", "world"):
        for start in range(0, len(new), settings.shard_size):
            part = new[start : start + settings.shard_size]
            yield {**common, "entries": [{"name": file.name, "size": file.size, "mtime": file.mtime, "revision": 0} for file in part]}
        return
    for file in new:
        path = os.path.join(source.root, file.name)
        entry = {"name": file.name, "size": file.size, "mtime": file.mtime, "revision": 0, "fingerprint": fingerprint(path)}
        ranges: list[dict[str, Any]] = list(_row_ranges(path, settings.shard_size)) if source.kind == "parquet" else [{}]
        for rows in ranges:
            yield {**common, "entries": [{**entry, **rows}]}


def _row_ranges(path: str, shard_size: int) -> Iterator[dict[str, Any]]:
    """Ranges of whole row groups of about ``shard_size`` rows; a file that cannot be read is one range, whose job records it as failed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(path)
    except (pa.ArrowInvalid, OSError):
        yield {"first_group": 0, "groups": 0, "first_row": 0, "rows": 0}
        return
    start = rows = row = 0
    for group in range(metadata.num_row_groups):
        rows += metadata.row_group(group).num_rows
        if rows >= shard_size or group == metadata.num_row_groups - 1:
            yield {"first_group": start, "groups": group + 1 - start, "first_row": row, "rows": rows}
            start, row, rows = group + 1, row + rows, 0


def _write_manifest(folder: Path, shard: str, content: dict[str, Any], settings: LibrarySettings, changed: set[str]) -> None:
    """Write a manifest when its shard changed or it is missing; without times, which change when nothing else does."""
    path = manifest_path(folder, shard)
    described = (settings.columns.model_dump(), settings.origin, settings.licence)
    if shard not in changed and path.exists() and (content.get("columns"), content.get("origin"), content.get("licence")) == described:
        return
    content.update(columns=settings.columns.model_dump(), origin=settings.origin, licence=settings.licence)
    manifest = {
        "shard": shard,
        **{name: content[name] for name in ("generation", "kind", "root", "columns", "origin", "licence")},
        "entries": [{name: value for name, value in entry.items() if name not in ("mtime", "fingerprint")} for entry in content["entries"]],
    }
    if not path.exists() or read_json(path) != manifest:
        write_json(path, manifest)
