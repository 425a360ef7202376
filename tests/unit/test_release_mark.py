"""The mark of synthetic media in picture files: readers of others find it, no pixel changes, and a damaged file is refused with a reason."""

import io
import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any, Literal

import pytest
from PIL import Image

from made_pictures import read_back
from unicedit.config.edit import EditorSettings
from unicedit.config.images import ImagesSettings
from unicedit.config.ingest import EncodingSettings
from unicedit.errors import PipelineError
from unicedit.pictures import encoded
from unicedit.release.mark import SCHEME, TERMS, Term, marked
from unicedit.release.marks import term_of

GENERATIVE: Term = "compositeWithTrainedAlgorithmicMedia"
_EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"

Format = Literal["png", "webp", "jpeg"]
STORED: dict[str, tuple[Format, int]] = {  # every kind of file that the pipeline stores
    "png": ("png", 95),
    "jpeg": ("jpeg", 95),
    "webp": ("webp", 80),
    "webp, lossless": ("webp", 100),
}


def noise(size: tuple[int, int] = (37, 23)) -> Image.Image:
    return Image.effect_noise(size, 90).convert("RGB")


def stored(name: str) -> bytes:
    format, quality = STORED[name]
    return encoded(noise(), EncodingSettings(format=format, quality=quality))


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def with_alpha(size: tuple[int, int] = (37, 23)) -> Image.Image:
    image = noise(size).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(size))
    return image


def same_pixels(before: bytes, after: bytes) -> bool:
    one, other = Image.open(io.BytesIO(before)), Image.open(io.BytesIO(after))
    return (one.size, one.mode, one.format) == (other.size, other.mode, other.format) and one.tobytes() == other.tobytes()


@pytest.mark.parametrize("name", STORED)
@pytest.mark.parametrize("term", TERMS)
def test_readers_find_the_mark_and_the_pixels_stay(name: str, term: Term) -> None:
    before = stored(name)
    after = marked(before, term)
    assert read_back(after) == SCHEME + term
    assert same_pixels(before, after)
    assert len(after) - len(before) < 600, "what was compressed is there byte by byte, and a packet beside it"


@pytest.mark.parametrize(
    "before",
    [
        saved(noise().convert("L"), "JPEG"),
        saved(noise(), "JPEG", exif=_EXIF, progressive=True, comment=b"a comment"),
        saved(noise(), "JPEG", icc_profile=b"p" * 70_000),
        saved(noise().quantize(16), "PNG", transparency=3),
        saved(with_alpha(), "PNG", exif=_EXIF),
        saved(with_alpha(), "WEBP", quality=80),
        saved(with_alpha(), "WEBP", lossless=True),
        saved(noise((1, 1)), "WEBP", lossless=True),
        saved(noise((301, 5)), "WEBP", exif=_EXIF, icc_profile=b"p" * 31),
    ],
)
def test_files_of_other_kinds_keep_what_they_hold(before: bytes) -> None:
    after = marked(before, GENERATIVE)
    assert read_back(after) == SCHEME + GENERATIVE
    assert same_pixels(before, after)
    held, kept = Image.open(io.BytesIO(before)).info, Image.open(io.BytesIO(after)).info
    assert {name: value for name, value in kept.items() if name not in ("xmp", "XML:com.adobe.xmp")} == held


@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not installed (Debian: libimage-exiftool-perl)")
@pytest.mark.parametrize("name", STORED)
def test_exiftool_finds_the_mark_and_no_fault(name: str, tmp_path: Path) -> None:
    file = tmp_path / "picture"
    file.write_bytes(marked(stored(name), GENERATIVE))
    said = subprocess.run(
        ["exiftool", "-json", "-n", "-validate", "-warning", "-error", "-XMP-iptcExt:DigitalSourceType", str(file)],
        capture_output=True,
        check=True,
        text=True,
    )
    (found,) = json.loads(said.stdout)
    assert found["DigitalSourceType"] == SCHEME + GENERATIVE
    assert "Error" not in found and "Warning" not in found


@pytest.mark.parametrize("name", STORED)
def test_a_file_that_is_cut_off_is_refused_wherever(name: str) -> None:
    whole = stored(name)
    for length in range(len(whole)):
        with pytest.raises(ValueError, match=r"cut off|without|no PNG|not as long|something else"):
            marked(whole[:length], GENERATIVE)


@pytest.mark.parametrize("name", STORED)
def test_a_damaged_file_is_marked_or_refused_and_nothing_else(name: str) -> None:
    lot = random.Random(5)
    whole = stored(name)
    refused = 0
    for _ in range(2000):
        damaged = bytearray(whole)
        for _ in range(lot.randint(1, 4)):
            damaged[lot.randrange(min(len(whole), 200))] = lot.randrange(256)
        try:
            assert len(marked(bytes(damaged), GENERATIVE)) > len(whole)
        except ValueError as error:
            refused += 1
            assert str(error)
    assert refused > 0


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no PNG, JPEG or WebP"),
        (b"GIF89a", "no PNG, JPEG or WebP"),
        (b"\x89PNG\r\n\x1a\n", "without header"),
        (b"\xff\xd8\xff\xd9\0\0", "without pixels"),
        (b"\xff\xd8\xff\xe0\0\0\0\0", "without pixels"),
        (b"RIFF\4\0\0\0WEBP", "without pixels"),
        (b"RIFF\x0c\0\0\0WEBPVP8X\0\0\0\0", "without pixels"),
        (stored("png") + b"more", "cut off"),
        (stored("webp") + b"more", "not as long as it says"),
    ],
)
def test_odd_containers_are_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        marked(data, GENERATIVE)


@pytest.mark.parametrize("name", STORED)
def test_what_a_file_says_already_is_not_undone(name: str) -> None:
    with pytest.raises(ValueError, match="XMP packet already"):
        marked(marked(stored(name), "composite"), GENERATIVE)


def test_the_term_is_the_engines_or_what_is_asked() -> None:
    editors = [EditorSettings(name="drawn"), EditorSettings(name="own", engine="images", images=ImagesSettings(folder="edits"))]
    with pytest.raises(PipelineError, match=r"only you know .* pictures of own; say it: --mark own=TERM"):
        term_of(editors)
    assert term_of(editors, ["own=algorithmicallyEnhanced"]) == {"drawn": "composite", "own": "algorithmicallyEnhanced"}
    assert term_of(editors, ["trainedAlgorithmicMedia", "own=composite"]) == {"drawn": "trainedAlgorithmicMedia", "own": "composite"}
    for wrong in ("digitalCapture", "other=composite", "own=", "=", "auto"):
        with pytest.raises(PipelineError, match=f"--mark {wrong}: give TERM or EDITOR=TERM"):
            term_of(editors, [wrong])
