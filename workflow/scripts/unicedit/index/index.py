"""The index of the library: which shard holds which files (design section 3).

Append-only: files added later become new shards of a new generation; a shard's manifest is written again only when a file of it really changed, vanished or
came back. Jobs read manifests; the head process alone scans and writes.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unicedit.config.library import LibrarySettings
from unicedit.files import read_json, write_json
from unicedit.index.content import fingerprint, row_ranges, same_bytes
from unicedit.index.declared import declared_manifests
from unicedit.index.manifest import write_manifests
from unicedit.index.names import on_disk
from unicedit.index.scan import Found, LibraryError, Source, scan

FORMAT = 1
Recorded = Callable[[str, str], str | None]
State = dict[str, Any]
Place = tuple[str, dict[str, Any]]  # a shard, and an entry of it


@dataclass(frozen=True, slots=True)
class Index:
    """The shards in order, the generation of each, and the shards of each generation; in a dry run also manifests that are not what is on disk."""

    shards: list[str]
    generation_of: dict[str, int]
    generations: list[list[str]]
    overlaid: dict[str, Path] = field(default_factory=dict)


def load(folder: Path) -> Index:
    """The index as it is on disk. Raises ``LibraryError`` when there is none."""
    path = folder / "shards.json"
    if not path.exists():
        raise LibraryError(f"{path}: there is no index yet; run Snakemake once with library.rescan: true")
    return _index(read_json(path)["generations"], {})


def _index(generations: list[list[str]], overlaid: dict[str, Path]) -> Index:
    of = {shard: number for number, shards in enumerate(generations) for shard in shards}
    return Index([shard for shards in generations for shard in shards], of, generations, overlaid)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One head process at a time writes the index; a second waits for the moment it takes."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def refresh(settings: LibrarySettings, world_images: int, folder: Path, recorded_digest: Recorded, *, overlay: Path | None = None) -> Index:
    """Scan the library, take what is new, changed, gone or back into the index, and return it.

    ``recorded_digest(shard, name)`` is the digest of a file's bytes that ingest recorded, None where it has not. With ``overlay`` (a dry run) nothing is
    written but there: manifests that a real run would write. Raises ``LibraryError`` for a library that is missing, empty, mostly vanished, or only declared
    where nothing but a dry run knows what to do with it.
    """
    if settings.declared is not None:
        if overlay is None:
            raise LibraryError(
                f"config: library.declared = {settings.declared}: a declared library has no pictures, it serves `make plan` and dry runs (-n) alone; "
                "name the pictures in library.path, and set library.declared: null"
            )
        declared = declared_manifests(settings.declared, settings, overlay)
        return _index([sorted(declared)], declared)
    path = folder / "state.json"
    sources: list[Source] | None = None
    if settings.rescan or not path.exists():  # before anything is written: the library may not be there
        sources = [_world(world_images)] if settings.kind == "world" else scan(settings)
    with _locked(folder) if overlay is None else nullcontext():
        state: State = read_json(path) if path.exists() else {"format": FORMAT, "generations": [], "shards": {}}
        before = _frozen(state)
        overlaid: dict[str, Path] = {}
        if sources is not None:
            changed = _take(state, sources, settings, recorded_digest)
            overlaid = write_manifests(state["shards"], changed, settings, folder, overlay)
        if not state["generations"]:
            where = settings.path or settings.list_file
            raise LibraryError(
                f"config: library.path = {where!r}: holds no picture (jpg, png, webp, tiff, bmp, avif, gif), tar or Parquet file"
            )
        if overlay is None:
            if _frozen(state) != before:
                write_json(path, state)
            shards_path = folder / "shards.json"
            light = {"format": FORMAT, "generations": state["generations"]}
            if not shards_path.exists() or read_json(shards_path) != light:
                write_json(shards_path, light)
    return _index(state["generations"], overlaid)


def _frozen(state: State) -> str:
    return json.dumps(state, sort_keys=True)


def _world(images: int) -> Source:
    from unicedit.world.library import names

    return Source("world", "world:1", {name: Found(name, 0, 0) for name in names(images)})


def _take(state: State, sources: list[Source], settings: LibrarySettings, recorded_digest: Recorded) -> set[str]:
    """Bring the state up to what was found; returns the shards whose manifests that may concern."""
    places = _places(state)
    by_name = {source.name: source for source in sources}
    changed: set[str] = set()
    placed: dict[str, set[str]] = {source.name: set() for source in sources}
    for name, files in places.items():
        found = by_name[name].files if name in by_name else {}
        _refuse_mass_removal(name, files, by_name.get(name), settings)
        for file, at in files.items():
            if file not in found:
                changed.update(_remove(at))
            elif _settle(state, at, found[file], changed, recorded_digest):
                placed[name].add(file)
    added = [shard for source in sources for shard in _new_shards(source, placed[source.name], settings, len(state["generations"]))]
    if added:
        first = len(state["shards"])
        numbers = [f"{first + number:05d}" for number in range(len(added))]
        state["shards"].update(zip(numbers, added, strict=True))
        state["generations"].append(numbers)
        changed.update(numbers)
    state["skipped"] = {source.name: dict(sorted(source.skipped.items())) for source in sources if source.skipped}
    return changed


def _places(state: State) -> dict[str, dict[str, list[Place]]]:
    """The entries of each file, by source and name; a Parquet file has one in each shard of it, and those of its earlier contents."""
    places: dict[str, dict[str, list[Place]]] = {}
    for shard, content in state["shards"].items():
        names = places.setdefault(content["source"], {})
        for entry in content["entries"]:
            names.setdefault(entry["name"], []).append((shard, entry))
    return places


def _refuse_mass_removal(name: str, files: dict[str, list[Place]], source: Source | None, settings: LibrarySettings) -> None:
    """Raise ``LibraryError`` when more than half of a source's files are gone."""
    present = [file for file, at in files.items() if not all(entry.get("removed") for _, entry in at)]
    gone = [file for file in present if source is None or file not in source.files]
    if len(gone) * 2 <= len(present) or settings.allow_removal or name.startswith("world:"):
        return
    root = name.split(":", 1)[1]
    if source is None:
        raise LibraryError(
            f"library: {len(gone)} indexed files lie under {root}, which library.path no longer names; name it too, give the other library "
            "its own paths.results, or set library.allow_removal: true to take them out of the dataset"
        )
    raise LibraryError(
        f"library: {len(gone)} of {len(present)} indexed files under {root} are gone, first {gone[0]!r}; "
        "is it mounted? Set library.allow_removal: true to take them out of the dataset"
    )


def _remove(at: list[Place]) -> Iterator[str]:
    """Mark the entries of a file as removed; gives the shards of those that were not."""
    for shard, entry in at:
        if not entry.get("removed"):
            entry["removed"] = True
            yield shard


def _settle(state: State, at: list[Place], found: Found, changed: set[str], recorded_digest: Recorded) -> bool:
    """Compare a file's entries with the file on disk; one that was removed takes its old place again. False: the file needs new shards.

    Adds to ``changed`` the shards whose manifests have to say so. A touched file with the same bytes has not changed.
    """
    content = state["shards"][at[0][0]]
    path = on_disk(os.path.join(content["root"], found.name))
    if content["kind"] == "parquet":
        return _settle_ranges(at, path, found, changed)
    shard, entry = next((place for place in at if not place[1].get("removed")), at[0])
    returned = entry.pop("removed", False)
    if returned:
        changed.add(shard)
    if (entry["size"], entry["mtime"], entry.get("fault")) == (found.size, found.mtime, found.fault):
        return True
    same_size = entry["size"] == found.size and entry.get("fault") == found.fault is None
    entry["size"], entry["mtime"] = found.size, found.mtime
    _set(entry, "fault", found.fault)
    if content["kind"] == "webdataset":
        mark = fingerprint(path)
        same = mark == entry["fingerprint"]
        entry["fingerprint"] = mark
    else:
        recorded = recorded_digest(shard, found.name)
        same = same_size and (same_bytes(path, recorded) if recorded else not returned)
    if not same:
        entry["revision"] += 1
        changed.add(shard)
    return True


def _settle_ranges(at: list[Place], path: str, found: Found, changed: set[str]) -> bool:
    """The same for a Parquet file: other content may have its row groups elsewhere, so each content has its own ranges."""
    present = [entry for _, entry in at if not entry.get("removed")]
    if present and all((entry["size"], entry["mtime"]) == (found.size, found.mtime) for entry in present):
        return True
    mark = fingerprint(path)
    for shard, entry in at:
        fits = entry["fingerprint"] == mark
        if fits:
            entry["size"], entry["mtime"] = found.size, found.mtime
        if bool(entry.get("removed")) == fits:
            _set(entry, "removed", not fits)
            changed.add(shard)
    return any(entry["fingerprint"] == mark for _, entry in at)


def _set(entry: dict[str, Any], name: str, value: Any) -> None:
    """Set a key that stands only where it says something."""
    if value:
        entry[name] = value
    else:
        entry.pop(name, None)


def _new_shards(source: Source, placed: set[str], settings: LibrarySettings, generation: int) -> Iterator[dict[str, Any]]:
    """The shards for files that have no place in the index: loose files by number, each tar as one, Parquet files by row groups."""
    common = {"source": source.name, "kind": source.kind, "root": source.root, "generation": generation}
    new = [source.files[name] for name in sorted(source.files) if name not in placed]
    if source.kind in ("folder", "world"):
        for start in range(0, len(new), settings.shard_size):
            yield {**common, "entries": [_entry(file) for file in new[start : start + settings.shard_size]]}
        return
    for file in new:
        path = on_disk(os.path.join(source.root, file.name))
        entry = {**_entry(file), "fingerprint": fingerprint(path)}
        ranges: list[dict[str, Any]] = list(row_ranges(path, settings.shard_size)) if source.kind == "parquet" else [{}]
        for rows in ranges:
            yield {**common, "entries": [{**entry, **rows}]}


def _entry(file: Found) -> dict[str, Any]:
    entry = {"name": file.name, "size": file.size, "mtime": file.mtime, "revision": 0}
    _set(entry, "fault", file.fault)
    return entry
