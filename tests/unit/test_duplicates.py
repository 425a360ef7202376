"""Duplicates: exact, near, mirrored; by the sequential definition, whatever the index finds first."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageOps

from bad_files import picture
from unicedit.config.duplicates import DuplicatesSettings
from unicedit.duplicates import MIN_INFORMATION_BITS, find_duplicates, mark
from unicedit.ingest.hashes import perceptual_hashes, pixel_digest
from unicedit.schema import INGEST


def distance(one: int, other: int) -> int:
    return (int(one) ^ int(other)).bit_count()


def sequential(keys: list[str], hashes: np.ndarray, mirrors: np.ndarray, first: int, reach: int) -> list[tuple[int | None, str | None]]:
    """The definition, word by word: each picture against all kept before it."""
    kept = list(range(first))
    found: list[tuple[int | None, str | None]] = []
    plain = [not MIN_INFORMATION_BITS <= int(value).bit_count() <= 64 - MIN_INFORMATION_BITS for value in hashes]
    for number in range(first, len(keys)):
        same = [other for other in kept if keys[other] == keys[number]]
        marked: tuple[int | None, str | None] = (same[0], "exact") if same else (None, None)
        for value, kind in ((hashes[number], "near"), (mirrors[number], "mirror")):
            near = [(distance(value, hashes[other]), other) for other in kept if not plain[other]]
            near = [pair for pair in near if pair[0] <= reach]
            if marked[0] is None and near and not plain[number]:
                marked = (min(near)[1], kind)
        if marked[0] is None:
            kept.append(number)
        found.append(marked)
    return found


@pytest.mark.parametrize("reach", [0, 3, 4, 7, 8, 11])
@pytest.mark.parametrize("seed", range(3))
def test_marks_equal_the_sequential_definition(reach: int, seed: int) -> None:
    """Clusters of hashes with a few flipped bits, some mirrored, some with the same pixels."""
    chance = np.random.default_rng(seed)
    centres = chance.integers(0, 2**64, 40, dtype=np.uint64)
    chosen = chance.integers(0, 40, 300)

    def flipped(values: np.ndarray) -> np.ndarray:
        out = values.copy()
        for row in range(len(out)):
            for bit in chance.integers(0, 64, chance.integers(0, 9)):
                out[row] ^= np.uint64(1) << np.uint64(bit)
        return out

    hashes, mirrors = flipped(centres[chosen]), flipped(centres[(chosen + 7) % 40])
    hashes[::37] = 0
    keys = [f"k{value % 250}" for value in chance.integers(0, 10_000, 300)]
    first = 40
    keys[:first] = [f"old{number}" for number in range(first)]
    assert list(mark(keys, hashes, mirrors, first, reach)) == sequential(keys, hashes, mirrors, first, reach)


def ingest_table(path: Path, images: list[Image.Image]) -> Path:
    rows = []
    for number, image in enumerate(images):
        digest = pixel_digest(image)
        phash, mirror = perceptual_hashes(image)
        rows.append({"source": f"{path.stem}-{number}", "key": digest[:20], "phash": phash, "phash_mirror": mirror, "status": "ok"})
    rows.append({"source": "broken", "status": "failed", "reason": "empty"})
    pq.write_table(pa.Table.from_pylist(rows, schema=INGEST), path)
    return path


def test_pictures_within_and_across_generations(tmp_path: Path) -> None:
    one, two, three = (picture(seed) for seed in (1, 2, 3))
    smaller = one.resize((260, 260)).resize(one.size)
    first = ingest_table(tmp_path / "a.parquet", [one, two, smaller])
    second = ingest_table(tmp_path / "b.parquet", [one, ImageOps.mirror(two)])
    kinds = find_duplicates(["00000", "00001"], [first, second], [], tmp_path / "0000.parquet", DuplicatesSettings())
    assert kinds == {"exact": 1, "near": 1, "mirror": 1}
    rows = pq.read_table(tmp_path / "0000.parquet").to_pylist()
    assert [(row["shard"], row["kind"]) for row in rows] == [
        ("00000", None),
        ("00000", None),
        ("00000", "near"),
        ("00001", "exact"),
        ("00001", "mirror"),
    ]
    assert rows[4]["duplicate_of"] == rows[1]["key"]
    later = ingest_table(tmp_path / "c.parquet", [three, ImageOps.mirror(one)])
    kinds = find_duplicates(["00002"], [later], [tmp_path / "0000.parquet"], tmp_path / "0001.parquet", DuplicatesSettings())
    assert kinds == {"exact": 0, "near": 0, "mirror": 1}
    before = (tmp_path / "0001.parquet").read_bytes()
    find_duplicates(["00002"], [later], [tmp_path / "0000.parquet"], tmp_path / "0001.parquet", DuplicatesSettings())
    assert (tmp_path / "0001.parquet").read_bytes() == before


def test_plain_pictures_are_duplicates_only_when_exact(tmp_path: Path) -> None:
    plain = [Image.new("RGB", (256, 256), colour) for colour in ("red", "blue", "red")]
    table = ingest_table(tmp_path / "a.parquet", plain)
    assert find_duplicates(["0"], [table], [], tmp_path / "out.parquet", DuplicatesSettings()) == {"exact": 1, "near": 0, "mirror": 0}


def test_search_can_be_switched_off_and_an_empty_generation_is_a_table(tmp_path: Path) -> None:
    table = ingest_table(tmp_path / "a.parquet", [picture(1), picture(1)])
    off = DuplicatesSettings(enabled=False)
    assert find_duplicates(["0"], [table], [], tmp_path / "out.parquet", off) == {"exact": 0, "near": 0, "mirror": 0}
    assert find_duplicates([], [], [], tmp_path / "none.parquet", DuplicatesSettings()) == {"exact": 0, "near": 0, "mirror": 0}
    assert pq.read_metadata(tmp_path / "none.parquet").num_rows == 0
    empty = ingest_table(tmp_path / "b.parquet", [])
    assert find_duplicates(["0"], [empty], [], tmp_path / "empty.parquet", DuplicatesSettings())["exact"] == 0
