"""How many pictures each shard of the library has, as far as the index tells."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unicedit.config.library import LibrarySettings
from unicedit.files import read_json
from unicedit.index.declared import shard_sizes
from unicedit.index.index import Index
from unicedit.index.manifest import manifest_path

PICTURE_BYTES = 300_000  # of a member of a tar, which is not opened: our estimate for a JPEG of one megapixel


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures by shard; ``estimated`` of them by the size of the tars they lie in."""

    by_shard: dict[str, int]
    estimated: int = 0

    @property
    def total(self) -> int:
        return sum(self.by_shard.values())

    @property
    def most(self) -> int:
        """Pictures of the largest shard."""
        return max(self.by_shard.values())


def pictures_of(settings: LibrarySettings, index: Index, results: Path) -> Pictures:
    """Pictures of every shard of an index. A tar that was ingested is counted by its rows, another one estimated by its size."""
    if settings.declared is not None:
        return Pictures(dict(zip(index.shards, shard_sizes(settings.declared, settings.shard_size), strict=True)))
    found: dict[str, int] = {}
    estimated = 0
    for shard in index.shards:
        manifest = read_json(index.overlaid.get(shard) or manifest_path(results / "index", shard))
        sealed = results / "ingest" / f"{shard}.json"
        if manifest["kind"] == "webdataset" and sealed.exists() and "rows_in" in (value := read_json(sealed)):
            found[shard] = value["rows_in"]
            continue
        found[shard] = sum(_rows(manifest["kind"], entry) for entry in manifest["entries"])
        if manifest["kind"] == "webdataset":
            estimated += found[shard]
    return Pictures(found, estimated)


def _rows(kind: str, entry: dict[str, Any]) -> int:
    if kind == "webdataset":
        return max(1, round(float(entry["size"]) / PICTURE_BYTES))
    rows: int = entry.get("rows", 1)
    return rows
