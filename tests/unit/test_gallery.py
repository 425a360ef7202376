"""The gallery's rows, sample, thumbnails and scripts; how the page behaves is in tests/browser."""

import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from made_gallery import rows_of
from made_tables import assembled, picture, shard_tables
from unicedit.config.gallery import GallerySettings
from unicedit.gallery import thumbnails as thumbnails_module
from unicedit.gallery.chunks import CHUNK_ROWS, script_json, write_chunks
from unicedit.gallery.gallery import gallery
from unicedit.gallery.leaves import sample
from unicedit.gallery.rows import MOST_SIGNS
from unicedit.gallery.thumbnails import Thumbnails
from unicedit.sidecar import total

SHARDS = ("00000", "00001")
EARLIER = ("ingest", "prefilter", "instruct", "edit")


def results_in(folder: Path, text: str = "") -> Path:
    for number, shard in enumerate(SHARDS):
        shard_tables(folder, shard, images=24, offset=24 * number, text=text)
    assembled(folder, SHARDS)
    return folder


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return results_in(tmp_path_factory.mktemp("results"))


def test_every_row_that_ended_anywhere_is_shown_once(results: Path) -> None:
    status = gallery(results, SHARDS, GallerySettings(), [])
    rows = rows_of(results)
    expected: Counter[str] = Counter()
    for stage in (*EARLIER, "verify"):
        counted = total([results / stage / f"{shard}.json" for shard in SHARDS])["status"]
        expected.update({name: n for name, n in counted.items() if stage == "verify" or name != "ok"})
    assert status == dict(expected) == Counter(row["status"] for row in rows)
    assert all(expected.values())
    assert len({row["id"] for row in rows}) == len(rows)


def test_a_row_holds_what_its_tables_hold(results: Path) -> None:
    gallery(results, SHARDS, GallerySettings(), [])
    (accepted,) = [row for row in rows_of(results) if row.get("key") == f"{0:020x}-00-simulated-a"]
    verdict = {row["key"]: row for row in pq.read_table(results / "verify" / "00000.parquet").to_pylist()}[accepted["key"]]
    assert (accepted["prompt_en"], accepted["is_changed"]) == (verdict["prompt_en"], verdict["is_changed"])
    assert accepted["instruction_en"] == "Make thing 0 new." and accepted["subtask"] == "Subject Addition"
    assert (accepted["source"], accepted["licence"], accepted["quality"]) == ("photo-0.png", "CC0-1.0", 5.0)
    for name, size in (("before", (24, 16)), ("after", (24, 16))):
        with Image.open(results / "gallery" / "data" / "pictures" / accepted[name]) as image:
            assert image.size == size
    broken = next(row for row in rows_of(results) if row.get("kind") == "truncated")
    assert broken["reason"] == "truncated: image file is truncated" and "before" not in broken


def test_sample_is_by_key_and_says_so(results: Path) -> None:
    everything = sample(results, SHARDS, 10_000)
    some = sample(results, SHARDS, 20)
    assert (some.shown, some.total) == (20, everything.total) and everything.shown == everything.total > 20
    assert sample(results, list(reversed(SHARDS)), 20).chosen == some.chosen, "whatever the order of the shards"
    fewer = sample(results, SHARDS, 10)
    assert all(set(numbers) <= set(some.chosen[place]) for place, numbers in fewer.chosen.items())
    gallery(results, SHARDS, GallerySettings(rows=20), [])
    assert len(rows_of(results)) == 20
    page = (results / "gallery" / "index.html").read_text()
    assert f"20 of {everything.total} rows" in page and "gallery.rows" in page


def test_equal_tables_give_equal_bytes(results: Path, tmp_path: Path) -> None:
    again = results_in(tmp_path)
    for folder in (results, again):
        gallery(folder, SHARDS, GallerySettings(), ["edit"])
    files = sorted(path.relative_to(results) for path in (results / "gallery").rglob("*") if path.is_file())
    assert len(files) > 50
    assert all((results / name).read_bytes() == (again / name).read_bytes() for name in files)


@pytest.mark.parametrize("text", ["</script><script>alert(1)</script>", "<!--", "a & b", "\u2028 \u2029", "改变物体", '"\\"'])
def test_script_json_means_the_same_and_holds_no_markup(text: str) -> None:
    made = script_json([{"text": text}])
    assert json.loads(made) == [{"text": text}]
    assert made.isascii() and not set("<>&") & set(made)


def test_chunks_are_of_a_bounded_size(tmp_path: Path) -> None:
    names = write_chunks(({"number": number} for number in range(CHUNK_ROWS + 1)), tmp_path)
    assert names == ["0000.js", "0001.js"]
    assert write_chunks(iter(()), tmp_path / "none") == []


def test_thumbnails_lie_in_small_folders_and_are_not_blown_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails_module, "FOLDER_FILES", 3)
    thumbnails = Thumbnails(tmp_path, GallerySettings(thumbnail=64))
    names = [thumbnails.add(picture(number)) for number in range(7)]
    assert names[-1] == "002/000.webp"
    assert {path.name: len(list(path.iterdir())) for path in tmp_path.iterdir()} == {"000": 3, "001": 3, "002": 1}
    with Image.open(tmp_path / names[0]) as image:
        assert image.size == (24, 16)


def test_long_texts_and_large_seeds(tmp_path: Path) -> None:
    shard_tables(tmp_path, "00000", images=12, text="x" * 10_000)
    assembled(tmp_path)
    table = pq.read_table(tmp_path / "edit" / "00000.parquet")
    seeds = [2**62 + number for number in range(table.num_rows)]
    pq.write_table(table.set_column(table.schema.get_field_index("seed"), "seed", [seeds]), tmp_path / "edit" / "00000.parquet")
    gallery(tmp_path, ["00000"], GallerySettings(), [])
    rows = rows_of(tmp_path)
    assert max(len(row.get("instruction_en", "")) for row in rows) == MOST_SIGNS + 1
    assert {int(row["seed"]) for row in rows if "seed" in row} == set(seeds), "as text, for JavaScript would round them"


def test_empty_library_gives_an_empty_page(tmp_path: Path) -> None:
    shard_tables(tmp_path, "00000", images=0)
    assembled(tmp_path)
    assert gallery(tmp_path, ["00000"], GallerySettings(), []) == {"ok": 0, "rejected": 0, "failed": 0}
    assert (tmp_path / "gallery" / "index.html").exists()
