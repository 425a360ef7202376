"""Ingest: every library picture is one row, with its picture or a reason; nothing crashes it."""

import io
import random
import tarfile
import tracemalloc
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from bad_files import FILES, bad_folder, bad_library, bad_tar, bomb_tars, cut_tar, header, parquet, picture, saved, tar_with
from unicedit.config.ingest import IngestSettings
from unicedit.config.library import LibrarySettings
from unicedit.config.map import MapSettings
from unicedit.files import read_json
from unicedit.index.index import refresh
from unicedit.ingest.crop import KONTEXT_SIZES, crop_of
from unicedit.ingest.decode import decode
from unicedit.ingest.hashes import perceptual_hashes, pixel_digest
from unicedit.ingest.readers import open_reader
from unicedit.ingest.stage import IngestStage
from unicedit.map.run import Places, run_map
from unicedit.map.stage import RowError
from unicedit.sidecar import Identity, reason_class

TAR_MANIFEST = {"kind": "webdataset", "columns": {"image": "i", "origin": None, "licence": None}, "origin": "", "licence": ""}


def ingest(folder: Path, library: LibrarySettings, limits: IngestSettings | None = None) -> tuple[list[dict], dict[str, int]]:
    """Index and ingest a library; the rows of all shards, and the rows computed."""
    index = refresh(library, 0, folder / "results/index", lambda *_: None)
    rows, computed = [], {"computed": 0, "reused": 0}
    for shard in index.shards:
        table = folder / f"results/ingest/{shard}.parquet"
        stage = IngestStage(read_json(folder / f"results/index/{shard}.json"), limits or IngestSettings(), "r")
        places = Places.of(table, table.with_suffix(".json"), folder / "scratch", "ingest", shard)
        counts = run_map(stage, places, Identity("ingest", shard, "", "{}"), MapSettings(stop_after_failures=1000))
        computed = {name: computed[name] + counts[name] for name in computed}
        rows += pq.read_table(table).to_pylist()
    return rows, computed


def check(rows: list[dict], owed: dict[str, tuple[str, str | None]]) -> None:
    assert sorted(row["source"] for row in rows) == sorted(owed), "exactly one row a picture"
    for row in rows:
        status, reasons = owed[row["source"]]
        assert row["status"] == status, (row["source"], row["reason"])
        assert (reason_class(row["reason"]) in (reasons or "").split("|")) if reasons else row["reason"] is None, (
            row["source"],
            row["reason"],
        )
        assert (row["image"] is not None) == (status == "ok")
        assert (row["key"] is None) == (status == "failed")


def test_every_kind_of_bad_file_is_one_row_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    owed = bad_library(tmp_path / "photos") | bomb_tars(tmp_path / "photos")
    (tmp_path / "photos/empty.tar").write_bytes(b"")
    owed["empty.tar"] = ("failed", "broken_tar")
    rows, _ = ingest(
        tmp_path,
        LibrarySettings(kind="files", path=str(tmp_path / "photos"), shard_size=10, columns={"origin": "url", "licence": "licence"}),
    )
    check(rows, owed)
    state = read_json(tmp_path / "results/index/state.json")
    (skipped,) = state["skipped"].values()
    assert skipped == {".db": 1, ".mp4": 1, ".txt": 1, "none": 1}, "the last is a link to a folder"


def test_tar_with_hostile_members(tmp_path: Path) -> None:
    (tmp_path / "tars").mkdir()
    owed = bad_tar(tmp_path / "tars/bad.tar")
    columns = {"origin": "url", "licence": "licence"}
    rows, _ = ingest(tmp_path, LibrarySettings(kind="files", path=str(tmp_path / "tars/*.tar"), origin="a crawl", columns=columns))
    check(rows, owed)
    by_name = {row["source"]: row for row in rows}
    assert (by_name["bad.tar::0001.jpg"]["origin"], by_name["bad.tar::0001.jpg"]["licence"]) == ("https://example.org/1", "CC0-1.0")
    assert by_name["bad.tar::0003.jpg"]["origin"] == "a crawl"
    assert by_name["bad.tar::0005.jpg"]["origin"] == "https://example.org/half \\ud800 a character"
    assert not (tmp_path / "escape.jpg").exists()


def test_cut_tar_gives_what_it_holds_and_one_row_for_the_cut(tmp_path: Path) -> None:
    (tmp_path / "tars").mkdir()
    owed = cut_tar(tmp_path / "tars/cut.tar")
    rows, _ = ingest(tmp_path, LibrarySettings(kind="files", path=str(tmp_path / "tars")))
    check(rows, owed)


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_SPARSE])
def test_header_bomb_is_refused_before_it_is_read(tmp_path: Path, kind: bytes) -> None:
    size = 64 << 20
    owed = tar_with(tmp_path / "bomb.tar.gz", lambda stream: header(stream, kind, size, size))
    reader = open_reader({**TAR_MANIFEST, "root": str(tmp_path), "entries": [{"name": "bomb.tar.gz", "size": 0, "revision": 0}]}, 10)
    tracemalloc.start()
    entries = list(reader.entries())
    (content,) = reader.read(["bomb.tar.gz::good.jpg"])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20
    assert isinstance(content, bytes)
    assert {entry.name for entry in entries if not entry.fault} == {"bomb.tar.gz::good.jpg"}
    assert {name for name, (status, _) in owed.items() if status == "failed"} == {entry.name for entry in entries} - {
        "bomb.tar.gz::good.jpg"
    }


def test_tar_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unicedit.ingest.tar_stream.MIN_UNPACKED", 1 << 20)

    def many(stream: IO[bytes]) -> None:
        for _ in range(3):
            header(stream, tarfile.REGTYPE, 1 << 20, 1 << 20)
        header(stream, tarfile.REGTYPE, 0, 0)

    tar_with(tmp_path / "zeros.tar.gz", many)
    assert (tmp_path / "zeros.tar.gz").stat().st_size < 3 << 14, "100 times that is less than what it unpacks to"
    reader = open_reader({**TAR_MANIFEST, "root": str(tmp_path), "entries": [{"name": "zeros.tar.gz", "size": 0, "revision": 0}]}, 10)
    *_, last = reader.entries()
    assert last.name == "zeros.tar.gz" and last.fault and last.fault.startswith("too_large: unpacks to more than")


@pytest.mark.parametrize("struct_column", [True, False])
def test_parquet_in_row_group_ranges(tmp_path: Path, struct_column: bool) -> None:
    (tmp_path / "tables").mkdir()
    parquet(tmp_path / "tables/a.parquet", struct_column=struct_column)
    library = LibrarySettings(kind="files", path=str(tmp_path / "tables"), shard_size=2, columns={"origin": "url", "licence": "license"})
    rows, _ = ingest(tmp_path, library)
    assert [row["source"] for row in rows] == [f"a.parquet::{n}" for n in range(5)]
    assert [row["status"] for row in rows] == ["ok", "ok", "failed", "failed", "ok"]
    assert [reason_class(row["reason"]) for row in rows if row["reason"]] == ["no_bytes", "not_an_image"]
    assert rows[4]["origin"] == "https://example.org/4" and rows[4]["licence"] == "CC0-1.0"


def test_parquet_column_larger_than_memory_allows_is_refused_by_its_row_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unicedit.ingest.parquet_reader.MAX_PICTURE_BYTES", 300_000)
    monkeypatch.setattr("unicedit.ingest.parquet_reader.MAX_TEXT_BYTES", 100_000)
    (tmp_path / "tables").mkdir()
    small, large = saved(picture(1), "JPEG"), saved(picture(2, (800, 800)), "BMP")
    rows = [(small, "u"), (small, "u"), (large, "u"), (small, "u"), (small, "v" * 200_000), (small, "u")]
    table = pa.table({"image": [image for image, _ in rows], "url": [url for _, url in rows]})
    pq.write_table(table, tmp_path / "tables/a.parquet", row_group_size=2, use_dictionary=False)
    library = LibrarySettings(kind="files", path=str(tmp_path / "tables"), columns={"origin": "url"})
    found, _ = ingest(tmp_path, library)
    assert [row["status"] for row in found] == ["ok", "ok", "failed", "failed", "failed", "failed"]
    assert found[2]["reason"].startswith("too_large: column 'image' of its row group holds")
    assert found[4]["reason"].startswith("too_large: column 'url' of its row group holds")


def test_one_long_text_in_every_row_is_held_once(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    table = pa.table({"image": [b"x"] * 200, "url": ["v" * (1 << 20)] * 200})
    pq.write_table(table, tmp_path / "tables/a.parquet", compression="zstd")
    entry = {"name": "a.parquet", "size": 0, "revision": 0, "first_group": 0, "groups": 1, "first_row": 0, "rows": 200}
    columns = {"image": "image", "origin": "url", "licence": None}
    before = pa.total_allocated_bytes()
    reader = open_reader({**TAR_MANIFEST, "kind": "parquet", "columns": columns, "root": str(tmp_path / "tables"), "entries": [entry]}, 10)
    peak = 0
    for found in reader.entries():
        assert found.origin == "v" * 4096
        peak = max(peak, pa.total_allocated_bytes() - before)
    assert peak < 20 << 20


def test_parquet_text_that_is_no_utf8_is_escaped(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    urls = pa.array([b"caf\xe9", b"fine"], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"image": [saved(picture(n), "JPEG") for n in range(2)], "url": urls}), tmp_path / "tables/a.parquet")
    library = LibrarySettings(kind="files", path=str(tmp_path / "tables"), columns={"origin": "url"})
    rows, _ = ingest(tmp_path, library)
    assert [(row["status"], row["origin"]) for row in rows] == [("ok", "caf\\xe9"), ("ok", "fine")]


def test_broken_and_foreign_parquet_are_rows(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/broken.parquet").write_bytes(b"PAR1 nothing PAR1")
    pq.write_table(__import__("pyarrow").table({"text": ["a"]}), tmp_path / "tables/text.parquet")
    rows, _ = ingest(tmp_path, LibrarySettings(kind="files", path=str(tmp_path / "tables")))
    assert [reason_class(row["reason"]) for row in rows] == ["broken_parquet", "no_image_column"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000))
def test_mutated_tars_never_crash_the_reader(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    path = tmp_path / f"{seed}.tar"
    bad_tar(path)
    content = bytearray(path.read_bytes())
    for _ in range(chance.randrange(1, 30)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    path.write_bytes(bytes(content[: chance.randrange(1, len(content))]))
    reader = open_reader({**TAR_MANIFEST, "root": str(tmp_path), "entries": [{"name": path.name, "size": 0, "revision": 0}]}, 10)
    entries = list(reader.entries())
    names = [entry.name for entry in entries]
    assert entries and len(set(names)) == len(names)
    readable = [entry.name for entry in entries if entry.fault is None]
    assert all(isinstance(content, bytes | RowError) for content in reader.read(readable))
    path.unlink()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000), kind=st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF"]))
def test_mutated_pictures_are_decoded_or_refused(seed: int, kind: str) -> None:
    chance = random.Random(seed)
    content = bytearray(saved(picture(seed % 7, (64, 48)), kind))
    for _ in range(chance.randrange(1, 12)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    try:
        decoded = decode(bytes(content), 10, 10)
    except RowError as error:
        assert reason_class(str(error)) in ("not_an_image", "truncated", "decode_error", "too_many_pixels")
    else:
        assert decoded.image.mode == "RGB"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = picture(1, (80, 60))
    content = saved(upright, "PNG", exif=exif)
    wanted = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    assert np.array_equal(np.asarray(decode(content, 1, 1).image), np.asarray(wanted.convert("RGB")))
    assert decode(content, 1, 1).image.size == ((60, 80) if orientation >= 5 else (80, 60))


def test_transparency_lies_on_white_and_sixteen_bits_keep_their_order() -> None:
    clear = Image.new("RGBA", (10, 10), (10, 20, 30, 0))
    assert decode(saved(clear, "PNG"), 1, 1).image.getpixel((5, 5)) == (255, 255, 255)
    half = Image.new("LA", (10, 10), (0, 128))
    assert decode(saved(half, "PNG"), 1, 1).image.getpixel((5, 5)) == (127, 127, 127)
    ramp = np.linspace(0, 65_535, 256).astype(np.uint16).reshape(16, 16)
    grey = np.asarray(decode(saved(Image.fromarray(ramp), "PNG"), 1, 1).image)[..., 0]
    assert np.abs(grey.astype(int) - np.arange(256).reshape(16, 16)).max() <= 1


def test_wide_gamut_profile_is_converted_to_srgb() -> None:
    from PIL import ImageCms

    source = picture(3, (40, 40))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = decode(saved(source, "PNG", icc_profile=profile), 1, 1).image
    assert np.abs(np.asarray(same).astype(int) - np.asarray(source)).max() <= 1


@given(width=st.integers(64, 5000), height=st.integers(64, 5000), divisor=st.sampled_from([1, 2, 4]))
def test_crop_is_centred_inside_and_of_the_nearest_shape(width: int, height: int, divisor: int) -> None:
    crop = crop_of(width, height, divisor)
    left, top, right, bottom = crop.box
    assert 0 <= left < right <= width and 0 <= top < bottom <= height
    assert abs(left - (width - right)) <= 1 and abs(top - (height - bottom)) <= 1
    assert (crop.size[0] * divisor, crop.size[1] * divisor) in KONTEXT_SIZES
    assert crop.loss == pytest.approx(1 - (right - left) * (bottom - top) / (width * height))
    assert right - left == width or bottom - top == height, "only one side is cut"
    best = min(abs(w / h - width / height) for w, h in KONTEXT_SIZES)
    assert abs(crop.size[0] / crop.size[1] - width / height) == pytest.approx(best)


def test_kontext_has_seventeen_sizes_of_a_megapixel() -> None:
    assert len(set(KONTEXT_SIZES)) == 17
    assert all(width % 16 == height % 16 == 0 and 0.98e6 < width * height < 1.1e6 for width, height in KONTEXT_SIZES)
    assert {(height, width) for width, height in KONTEXT_SIZES} == set(KONTEXT_SIZES)


def test_same_pixels_have_one_key_whatever_the_file(tmp_path: Path) -> None:
    image = picture(4)
    digests = {pixel_digest(decode(saved(image, kind), 10, 10).image) for kind in ("PNG", "BMP", "TIFF")}
    assert len(digests) == 1
    phash, mirror = perceptual_hashes(image)
    assert perceptual_hashes(ImageOps.mirror(image)) == (mirror, phash)


def test_threshold_admits_newcomers_and_computes_only_them(tmp_path: Path) -> None:
    bad_folder(tmp_path / "photos")
    library = LibrarySettings(kind="files", path=str(tmp_path / "photos"), shard_size=100)
    before, _ = ingest(tmp_path, library)
    after, counts = ingest(tmp_path, library, IngestSettings(max_crop_loss=0.95))
    newly = {row["source"] for row in after if row["status"] == "ok"} - {row["source"] for row in before if row["status"] == "ok"}
    assert newly == {"banner.jpg", "tower.jpg"}
    assert counts["computed"] == 2
    again, counts = ingest(tmp_path, library)
    assert counts["computed"] == 0 and again == before


def test_limits_of_size_are_kept(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.bmp").write_bytes(FILES["good.bmp"][0]())
    library = LibrarySettings(kind="files", path=str(tmp_path / "photos"))
    ((row,), _) = ingest(tmp_path, library, IngestSettings(max_file_mb=0.1))
    assert reason_class(row["reason"]) == "too_large"
    with pytest.raises(RowError, match="too_many_pixels"):
        decode(saved(picture(1, (200, 200)), "PNG"), 10, 0.01)


@pytest.mark.parametrize("kind", ["png", "webp", "jpeg"])
def test_stored_picture_carries_nothing_the_file_said_of_itself(kind: str) -> None:
    from PIL import ImageCms

    from unicedit.config.ingest import EncodingSettings
    from unicedit.pictures import encoded

    plain, told = picture(3), picture(3)
    # littleCMS writes the time of its making into a profile
    told.info = {
        "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        "comment": b"made by N. N.",
        "dpi": (72, 72),
    }
    settings = EncodingSettings(format=kind)
    assert encoded(told, settings) == encoded(plain, settings)
    assert told.info, "the picture itself is left as it was"
