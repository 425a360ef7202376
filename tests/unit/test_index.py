"""The index of the library is append-only: what is old keeps its shard and its manifest."""

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from bad_files import parquet, picture, saved
from unicedit.config.library import LibrarySettings
from unicedit.files import read_json
from unicedit.index.index import Index, load, refresh
from unicedit.index.scan import LibraryError, digest_of_file

JPEG = saved(picture(1), "JPEG")


def library(folder: Path, **settings: object) -> LibrarySettings:
    return LibrarySettings(**{"kind": "files", "path": str(folder / "photos"), "shard_size": 3, **settings})  # type: ignore[arg-type]


def photos(folder: Path, *names: str, content: bytes = JPEG) -> None:
    for name in names:
        path = folder / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def refreshed(folder: Path, recorded=lambda shard, name: None, **settings: object) -> Index:
    return refresh(library(folder, **settings), 0, folder / "index", recorded)


def manifests(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in (folder / "index").glob("[0-9]*.json")}


def names(folder: Path, shard: str) -> list[str]:
    return [entry["name"] for entry in read_json(folder / f"index/{shard}.json")["entries"]]


def test_files_are_cut_into_shards_in_order(tmp_path: Path) -> None:
    photos(tmp_path, "d.jpg", "b/x.png", "a.jpg", "b/a.webp", "c.TIFF", "notes.txt", ".hidden.jpg")
    index = refreshed(tmp_path)
    assert index.shards == ["00000", "00001"] and index.generations == [["00000", "00001"]]
    assert names(tmp_path, "00000") + names(tmp_path, "00001") == ["a.jpg", "b/a.webp", "b/x.png", "c.TIFF", "d.jpg"]
    assert load(tmp_path / "index") == index


def test_added_files_make_new_shards_and_touch_no_old_one(tmp_path: Path) -> None:
    photos(tmp_path, "m.jpg", "n.jpg")
    refreshed(tmp_path)
    before = manifests(tmp_path)
    photos(tmp_path, "a.jpg", "z.jpg")
    index = refreshed(tmp_path)
    assert index.generation_of == {"00000": 0, "00001": 1}
    assert names(tmp_path, "00001") == ["a.jpg", "z.jpg"]
    assert manifests(tmp_path)["00000.json"] == before["00000.json"]


def test_touched_file_changes_nothing_and_rewritten_one_its_entry(tmp_path: Path) -> None:
    photos(tmp_path, "a.jpg", "b.jpg")
    refreshed(tmp_path)
    before = manifests(tmp_path)
    recorded = {"a.jpg": digest_of_file(tmp_path / "photos/a.jpg"), "b.jpg": digest_of_file(tmp_path / "photos/b.jpg")}
    os.utime(tmp_path / "photos/a.jpg", (1, 1))
    refreshed(tmp_path, lambda shard, name: recorded[name])
    assert manifests(tmp_path) == before
    changed = bytearray(JPEG)
    changed[-10] ^= 1
    photos(tmp_path, "a.jpg", content=bytes(changed))
    os.utime(tmp_path / "photos/a.jpg", (2, 2))
    refreshed(tmp_path, lambda shard, name: recorded[name])
    entries = read_json(tmp_path / "index/00000.json")["entries"]
    assert [entry["revision"] for entry in entries] == [1, 0]
    photos(tmp_path, "b.jpg", content=JPEG + b"more")
    refreshed(tmp_path, lambda shard, name: recorded[name])
    assert [entry["revision"] for entry in read_json(tmp_path / "index/00000.json")["entries"]] == [1, 1]


def test_vanished_file_is_marked_and_a_vanished_library_is_an_error(tmp_path: Path) -> None:
    photos(tmp_path, "a.jpg", "b.jpg", "c.jpg", "d.jpg")
    refreshed(tmp_path)
    (tmp_path / "photos/b.jpg").unlink()
    index = refreshed(tmp_path)
    assert [entry.get("removed", False) for entry in read_json(tmp_path / "index/00000.json")["entries"]] == [False, True, False]
    assert index.shards == ["00000", "00001"]
    for name in ("a", "c", "d"):
        (tmp_path / f"photos/{name}.jpg").unlink()
    photos(tmp_path, "x.jpg")
    with pytest.raises(LibraryError, match=r"3 of 3 indexed files .* are gone.*library\.allow_removal"):
        refreshed(tmp_path)
    refreshed(tmp_path, allow_removal=True)
    photos(tmp_path, "b.jpg")
    assert names(tmp_path, refreshed(tmp_path).shards[-1]) == ["b.jpg"], "a file that comes back is a new one"


def test_missing_path_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match=r"library\.path = .*no such file or folder"):
        refreshed(tmp_path)
    (tmp_path / "photos").mkdir()
    with pytest.raises(LibraryError, match="holds no picture"):
        refreshed(tmp_path)
    with pytest.raises(LibraryError, match="matches nothing"):
        refreshed(tmp_path, path=str(tmp_path / "photos/*.jpg"))
    with pytest.raises(LibraryError, match="there is no index yet"):
        load(tmp_path / "nowhere")


def test_globs_lists_and_list_files(tmp_path: Path) -> None:
    photos(tmp_path, "a/1.jpg", "b/1.jpg", "b/2.png", "c/odd_suffix.picture")
    assert names(tmp_path, refreshed(tmp_path, path=[str(tmp_path / "photos/*/1.jpg")]).shards[0]) == ["a/1.jpg", "b/1.jpg"]
    (tmp_path / "list.txt").write_text("# chosen\nphotos/b/2.png\n\nphotos/c/odd_suffix.picture\n")
    index = refresh(LibrarySettings(kind="files", list_file=str(tmp_path / "list.txt")), 0, tmp_path / "index2", lambda *_: None)
    found = [entry["name"] for shard in index.shards for entry in read_json(tmp_path / f"index2/{shard}.json")["entries"]]
    assert sorted(found) == ["2.png", "odd_suffix.picture"]


def test_containers_one_shard_a_tar_and_row_group_ranges_a_parquet_file(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    parquet(tmp_path / "photos/p.parquet")
    for name in ("x.tar", "y.tar"):
        (tmp_path / "photos" / name).write_bytes(b"\0" * 10_240)
    index = refreshed(tmp_path, shard_size=2)
    kinds = [(read_json(tmp_path / f"index/{shard}.json")["kind"], names(tmp_path, shard)) for shard in index.shards]
    assert kinds == [("parquet", ["p.parquet"])] * 3 + [("webdataset", ["x.tar"]), ("webdataset", ["y.tar"])]
    ranges = [read_json(tmp_path / f"index/{shard}.json")["entries"][0] for shard in index.shards[:3]]
    assert [(one["first_row"], one["rows"], one["first_group"], one["groups"]) for one in ranges] == [
        (0, 2, 0, 1),
        (2, 2, 1, 1),
        (4, 1, 2, 1),
    ]
    before = manifests(tmp_path)
    os.utime(tmp_path / "photos/x.tar", (5, 5))
    refreshed(tmp_path, shard_size=2)
    assert manifests(tmp_path) == before
    (tmp_path / "photos/x.tar").write_bytes(b"\0" * 5000 + b"x" + b"\0" * 5239)
    refreshed(tmp_path, shard_size=2)
    changed = [name for name, value in manifests(tmp_path).items() if value != before[name]]
    assert changed == ["00003.json"]


def _refresh(folder: str) -> None:
    refreshed(Path(folder))


def test_two_heads_at_once_make_one_index(tmp_path: Path) -> None:
    photos(tmp_path, *(f"{number:03d}.jpg" for number in range(100)))
    heads = [multiprocessing.get_context("spawn").Process(target=_refresh, args=(str(tmp_path),)) for _ in range(3)]
    for head in heads:
        head.start()
    for head in heads:
        head.join()
        assert head.exitcode == 0
    index = load(tmp_path / "index")
    assert len(index.generations) == 1
    assert sum(len(names(tmp_path, shard)) for shard in index.shards) == 100


def test_scanning_again_is_quick(tmp_path: Path) -> None:
    photos(tmp_path, *(f"{number // 500}/{number:05d}.jpg" for number in range(5000)), content=b"x")
    refreshed(tmp_path, shard_size=1000)
    started = time.perf_counter()
    refreshed(tmp_path, shard_size=1000)
    assert time.perf_counter() - started < 2
