"""Look-alikes: planted copies, mirror images and crops of photographs are found, and how many distinct photographs are taken for one another."""

import io
from collections.abc import Callable
from itertools import product
from pathlib import Path

import imagehash
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from unicedit.config.contamination import ContaminationSettings
from unicedit.config.ingest import EncodingSettings
from unicedit.errors import PipelineError
from unicedit.ingest.decode import decode
from unicedit.ingest.hashes import pixel_digest
from unicedit.lookalikes.find import CROP, EXACT, MIRRORED, MIRRORED_CROP, NEAR, References
from unicedit.lookalikes.references import write_references
from unicedit.lookalikes.windows import WHOLE, WINDOWS, grey, hashes, mirrored
from unicedit.pictures import encoded
from unicedit.world.photos import PHOTOS, path_of

Planted = Callable[[Image.Image, np.random.Generator], Image.Image]
SETTINGS = ContaminationSettings()
TILES = 2  # a side: parts of a photograph that do not overlap are distinct photographs


def photographs() -> dict[str, Image.Image]:
    found = {}
    for name in PHOTOS:
        image = decode(path_of(name).read_bytes(), 100, 100).image
        image.info.clear()  # a colour profile would be applied again
        width, height = image.width // TILES, image.height // TILES
        for across, down in product(range(TILES), range(TILES)):
            box = (across * width, down * height, (across + 1) * width, (down + 1) * height)
            found[f"{name}-{across}{down}"] = image.crop(box)
    return found


def again(image: Image.Image, quality: int = 70, scale: float = 0.7) -> Image.Image:
    """The picture made smaller and recompressed."""
    stream = io.BytesIO()
    image.resize((round(image.width * scale), round(image.height * scale))).save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


def crop(image: Image.Image, area: float, random: np.random.Generator) -> Image.Image:
    """A crop of that share of the area, of a somewhat other shape, anywhere."""
    shape = np.exp(random.uniform(-0.1, 0.1))
    width, height = min(1.0, area**0.5 * shape), min(1.0, area**0.5 / shape)
    left, top = random.uniform(0, 1 - width), random.uniform(0, 1 - height)
    box = (left * image.width, top * image.height, (left + width) * image.width, (top + height) * image.height)
    return image.crop(tuple(round(edge) for edge in box))


@pytest.fixture(scope="module")
def pictures() -> dict[str, Image.Image]:
    return photographs()


@pytest.fixture(scope="module")
def references(pictures: dict[str, Image.Image], tmp_path_factory: pytest.TempPathFactory) -> References:
    """A benchmark of every photograph, with a broken file beside them."""
    folder = tmp_path_factory.mktemp("lookalikes")
    (folder / "images" / "deep").mkdir(parents=True)
    for name, image in pictures.items():
        image.save(folder / "images" / "deep" / f"{name}.png")
    (folder / "images" / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    assert write_references(None, {"known": folder / "images"}, folder / "references.parquet") == (len(pictures), 1)
    return References(folder / "references.parquet", SETTINGS.max_distance, SETTINGS.min_likeness)


def found(references: References, image: Image.Image) -> dict[str, str]:
    """What the picture looks like, and how."""
    return {Path(one.samples[0]).stem: one.how for one in references.of(pixel_digest(image)[:20], image)}


def test_windows_are_hashed_as_pictures_are(pictures: dict[str, Image.Image]) -> None:
    apart = []
    for image in pictures.values():
        small = grey(image)
        own = hashes(small)
        assert len(own) == len(WINDOWS) and WINDOWS[WHOLE] == (0, 0, 1, 1)
        for number in (WHOLE, 400):
            left, top, right, bottom = WINDOWS[number]
            part = small.crop(
                (round(left * small.width), round(top * small.height), round(right * small.width), round(bottom * small.height))
            )
            apart.append(int(own[number]) ^ int(str(imagehash.phash(part)), 16))
    assert np.mean([number.bit_count() for number in apart]) < 2, "the same hash, but for rounding"


@pytest.mark.parametrize(
    ("how", "planted"),
    [
        (EXACT, lambda image, _: image),
        (NEAR, lambda image, _: again(image)),
        (MIRRORED, lambda image, _: again(mirrored(image))),
        (CROP, lambda image, random: again(crop(image, 0.8, random))),
        (MIRRORED_CROP, lambda image, random: again(mirrored(crop(image, 0.6, random)))),
    ],
)
def test_planted_ones_are_found_and_distinct_ones_are_not(
    how: str, planted: Planted, pictures: dict[str, Image.Image], references: References, record_property: Callable[[str, object], None]
) -> None:
    random = np.random.default_rng(1)
    seen = {name: found(references, planted(image, random)) for name, image in pictures.items()}
    right = [name for name, own in seen.items() if own.get(name) == how]
    false = [(name, other) for name, own in seen.items() for other in own if other != name]
    record_property("found", f"{how}: {len(right)} of {len(pictures)}, falsely {len(false)} of {len(pictures) * (len(pictures) - 1)} pairs")
    assert len(right) >= (len(pictures) if how == EXACT else 0.9 * len(pictures)), sorted(set(pictures) - set(right))
    assert not false


def test_a_library_picture_that_a_benchmark_has_cropped_is_found_too(pictures: dict[str, Image.Image], references: References) -> None:
    """The other way round: the benchmark's picture is a part of the library's."""
    whole = decode(path_of("coffee").read_bytes(), 100, 100).image
    around = whole.crop((0, 0, round(whole.width * 0.62), round(whole.height * 0.62)))
    assert found(references, again(around)) == {"coffee-00": CROP}


def test_samples_that_share_a_picture_are_named_together(pictures: dict[str, Image.Image], tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("one", "two"):
        pictures["cat-00"].save(tmp_path / f"a/{name}.png")
    write_references(None, {"a": tmp_path / "a"}, tmp_path / "references.parquet")
    (hit,) = References(tmp_path / "references.parquet", 0, 0.9).of("", again(pictures["cat-00"], 95, 1))
    assert (hit.benchmark, hit.samples) == ("a", ("one.png", "two.png"))
    image = pictures["cat-00"]
    digest, data = pixel_digest(image)[:20], encoded(image, EncodingSettings())
    records = pa.table(
        {
            "key": ["1", "2", "3"],
            "picture": [digest, "f" * 20, digest],
            "image": [data, encoded(pictures["coffee-00"], EncodingSettings()), data],
        }
    )
    pq.write_table(records, tmp_path / "records.parquet")
    assert write_references(tmp_path / "records.parquet", {}, tmp_path / "references.parquet") == (2, 0)
    (hit,) = References(tmp_path / "references.parquet", 0, 0.9).of(digest, image)
    assert (hit.benchmark, hit.samples, hit.how) == ("benchmark", ("1", "3"), EXACT)
    (tmp_path / "empty").mkdir()
    with pytest.raises(PipelineError, match=r"contamination\.benchmarks: none: no readable picture below"):
        write_references(None, {"none": tmp_path / "empty"}, tmp_path / "references.parquet")
