"""The index of the library is append-only: what is old keeps its shard and its manifest."""

import multiprocessing
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bad_files import parquet, picture, saved
from unicedit.config.library import LibrarySettings
from unicedit.files import read_json
from unicedit.index.content import digest_of_file
from unicedit.index.index import Index, load, refresh
from unicedit.index.names import on_disk, shown
from unicedit.index.scan import LibraryError

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


def test_file_that_comes_back_takes_its_old_place(tmp_path: Path) -> None:
    photos(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    refreshed(tmp_path)
    before = manifests(tmp_path)["00000.json"][0]
    (tmp_path / "photos/b.jpg").rename(tmp_path / "b.jpg")
    refreshed(tmp_path)
    assert manifests(tmp_path)["00000.json"][0] != before
    (tmp_path / "b.jpg").rename(tmp_path / "photos/b.jpg")
    assert refreshed(tmp_path).shards == ["00000"]
    assert manifests(tmp_path)["00000.json"][0] == before
    (tmp_path / "photos/b.jpg").unlink()
    refreshed(tmp_path)
    photos(tmp_path, "b.jpg", content=JPEG[:-1])
    assert refreshed(tmp_path).shards == ["00000"]
    assert [entry["revision"] for entry in read_json(tmp_path / "index/00000.json")["entries"]] == [0, 1, 0]


def test_library_that_is_changed_and_changed_back(tmp_path: Path) -> None:
    photos(tmp_path, "a.jpg", "b.jpg")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/a.jpg").write_bytes(JPEG)
    refreshed(tmp_path)
    before = manifests(tmp_path)["00000.json"][0]
    with pytest.raises(
        LibraryError, match=r"2 indexed files lie under .*photos, which library\.path no longer names.*library\.allow_removal"
    ):
        refreshed(tmp_path, path=str(tmp_path / "other"))
    assert refreshed(tmp_path, path=str(tmp_path / "other"), allow_removal=True).shards == ["00000", "00001"]
    assert refreshed(tmp_path, allow_removal=True).shards == ["00000", "00001"]
    assert manifests(tmp_path)["00000.json"][0] == before


def test_world_that_shrinks_and_grows_again(tmp_path: Path) -> None:
    world = LibrarySettings(shard_size=3)

    def grown(images: int) -> list[str]:
        return refresh(world, images, tmp_path / "index", lambda *_: None).shards

    assert grown(5) == ["00000", "00001"]
    before = manifests(tmp_path)
    grown(2)
    assert (
        sum(entry.get("removed", False) for shard in ("00000", "00001") for entry in read_json(tmp_path / f"index/{shard}.json")["entries"])
        == 3
    )
    assert grown(5) == ["00000", "00001"]
    assert {name: content for name, (content, _) in manifests(tmp_path).items()} == {name: content for name, (content, _) in before.items()}


def test_parquet_file_of_another_content_has_its_own_ranges_and_the_old_ones_wait(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    path = tmp_path / "photos/p.parquet"
    parquet(path)
    first = path.read_bytes()
    assert refreshed(tmp_path, shard_size=2).shards == ["00000", "00001", "00002"]
    parquet(path, struct_column=False)
    assert refreshed(tmp_path, shard_size=2).shards == [f"{number:05d}" for number in range(6)], "at once, not at the next run"

    def removed() -> list[bool]:
        return [read_json(tmp_path / f"index/{number:05d}.json")["entries"][0].get("removed", False) for number in range(6)]

    assert removed() == [True] * 3 + [False] * 3
    path.write_bytes(first)
    assert len(refreshed(tmp_path, shard_size=2).shards) == 6
    assert removed() == [False] * 3 + [True] * 3
    path.unlink()
    photos(tmp_path, "a.jpg")
    refreshed(tmp_path, shard_size=2, allow_removal=True)
    assert removed() == [True] * 6, "every range of a file that is gone"


def test_dry_run_writes_nothing_but_the_overlay(tmp_path: Path) -> None:
    photos(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    overlay = tmp_path / "overlay"
    overlay.mkdir()

    def planned(**settings: object) -> Index:
        return refresh(library(tmp_path, **settings), 0, tmp_path / "index", lambda *_: None, overlay=overlay)

    fresh = planned()
    assert fresh.shards == ["00000"] and set(fresh.overlaid) == {"00000"}
    assert not (tmp_path / "index").exists()
    assert read_json(fresh.overlaid["00000"])["entries"][0]["name"] == "a.jpg"
    refreshed(tmp_path)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (tmp_path / "index").iterdir()}
    assert planned().overlaid == {}
    (tmp_path / "photos/b.jpg").unlink()
    photos(tmp_path, "new.jpg")
    changed = planned()
    assert changed.shards == ["00000", "00001"] and set(changed.overlaid) == {"00000", "00001"}
    assert [entry.get("removed", False) for entry in read_json(changed.overlaid["00000"])["entries"]] == [False, True, False]
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.jpg").write_bytes(JPEG)
    assert planned(path=str(other), allow_removal=True).shards == ["00000", "00001"]
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (tmp_path / "index").iterdir()} == before


def test_sub_folder_that_may_not_be_listed_is_a_row_until_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos(tmp_path, "a.jpg", "b.jpg", "locked/c.jpg")
    listed = os.scandir

    def refused(place: str) -> object:
        if place.endswith("locked"):
            raise PermissionError(13, "Permission denied", place)
        return listed(place)

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", refused)
        refreshed(tmp_path)
        entries = read_json(tmp_path / "index/00000.json")["entries"]
        assert [(entry["name"], entry.get("fault")) for entry in entries] == [
            ("a.jpg", None),
            ("b.jpg", None),
            ("locked/", "unreadable: Permission denied"),
        ]
        patched.setattr(os, "scandir", lambda place: refused("locked"))
        with pytest.raises(LibraryError, match=r"library\.path = .*photos': cannot be read \(Permission denied\)"):
            refreshed(tmp_path)
    assert names(tmp_path, refreshed(tmp_path).shards[1]) == ["locked/c.jpg"]


def test_link_that_dangles_is_a_row_until_it_leads_somewhere(tmp_path: Path) -> None:
    photos(tmp_path, "a.jpg")
    (tmp_path / "photos/b.jpg").symlink_to("c.jpg")
    refreshed(tmp_path)
    assert read_json(tmp_path / "index/00000.json")["entries"][1]["fault"].startswith("dangling_link")
    photos(tmp_path, "c.jpg")
    refreshed(tmp_path)
    entry = read_json(tmp_path / "index/00000.json")["entries"][1]
    assert (entry["name"], entry["revision"], "fault" in entry) == ("b.jpg", 1, False)


@given(st.binary(min_size=1, max_size=12).filter(lambda name: b"/" not in name and b"\0" not in name))
def test_any_name_is_shown_as_text_and_found_again(name: bytes) -> None:
    text = shown(os.fsdecode(name))
    assert os.fsencode(on_disk(text)) == name
    assert text.encode("utf-8")


def test_one_folder_under_several_spellings_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos(tmp_path, "a.jpg", "b/c.jpg")
    monkeypatch.chdir(tmp_path)
    refreshed(tmp_path, path="photos")
    before = manifests(tmp_path)
    for spelling in ("photos/", "./photos", "photos//", "photos/../photos", ["photos", "photos/"]):
        assert refreshed(tmp_path, path=spelling).shards == ["00000"], spelling
    assert manifests(tmp_path) == before
    monkeypatch.setenv("HOME", str(tmp_path))
    index = refresh(library(tmp_path, path="~/photos"), 0, tmp_path / "index2", lambda *_: None)
    assert read_json(tmp_path / f"index2/{index.shards[0]}.json")["root"] == str(tmp_path / "photos")


def test_folder_whose_name_looks_like_a_glob(tmp_path: Path) -> None:
    photos(tmp_path, "2024 [best]/a.jpg", "2024 b/b.jpg")
    index = refreshed(tmp_path, path=str(tmp_path / "photos/2024 [best]"))
    assert names(tmp_path, index.shards[0]) == ["a.jpg"]


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
    (tmp_path / "list.txt").write_bytes("photos/b/größe.png".encode("latin-1"))
    with pytest.raises(LibraryError, match=r"library\.list_file = .*list\.txt': is no text in UTF-8 \(byte 11\)"):
        refresh(LibrarySettings(kind="files", list_file=str(tmp_path / "list.txt")), 0, tmp_path / "index2", lambda *_: None)
    with pytest.raises(LibraryError, match=r"library\.list_file = .*: cannot be read \(Is a directory\)"):
        refresh(LibrarySettings(kind="files", list_file=str(tmp_path)), 0, tmp_path / "index2", lambda *_: None)


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
