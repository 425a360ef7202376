"""A library of bad and odd files: each kind with the status and the reason class that ingest owes it."""

import gzip
import io
import random
import struct
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageCms

SIDE = 300


def picture(seed: int = 0, size: tuple[int, int] = (SIDE, SIDE)) -> Image.Image:
    """A smooth random RGB picture, different for each seed."""
    values = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(values).resize(size, Image.Resampling.BICUBIC)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def huge_png() -> bytes:
    """A PNG whose header says 100,000 x 100,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def rotated_by_exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(picture(31, (400, 300)), "JPEG", exif=exif.tobytes())


def animated() -> bytes:
    frames = [picture(seed).quantize(32) for seed in (40, 41, 42)]
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:])


def damaged(content: bytes, at: float) -> bytes:
    changed = bytearray(content)
    place = int(len(changed) * at)
    changed[place : place + 40] = random.Random(1).randbytes(40)
    return bytes(changed)


def sixteen_bit() -> bytes:
    values = np.random.default_rng(50).integers(0, 65_536, (6, 6), dtype=np.uint16)
    grey = Image.fromarray(values.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return saved(Image.fromarray(np.clip(np.asarray(grey), 0, 65_535).astype(np.uint16)), "PNG")


def lab() -> bytes:
    return saved(picture(51), "JPEG", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes())


# name in the library -> content, status, reason class (None for ok)
FILES: dict[str, tuple[Callable[[], bytes], str, str | None]] = {
    "good.jpg": (lambda: saved(picture(1), "JPEG", quality=95), "ok", None),
    "nested/deep/good.png": (lambda: saved(picture(2), "PNG"), "ok", None),
    "good.webp": (lambda: saved(picture(3), "WEBP"), "ok", None),
    "good.tiff": (lambda: saved(picture(4), "TIFF"), "ok", None),
    "good.bmp": (lambda: saved(picture(5), "BMP"), "ok", None),
    "good.avif": (lambda: saved(picture(6), "AVIF"), "ok", None),
    "exif.jpg": (rotated_by_exif, "ok", None),
    "cmyk.jpg": (lambda: saved(picture(7).convert("CMYK"), "JPEG"), "ok", None),
    "palette.png": (lambda: saved(picture(8).quantize(64), "PNG"), "ok", None),
    "palette_transparent.gif": (lambda: saved(picture(9).quantize(64), "GIF", transparency=3), "ok", None),
    "grey.jpg": (lambda: saved(picture(10).convert("L"), "JPEG"), "ok", None),
    "grey_alpha.png": (lambda: saved(picture(11).convert("LA"), "PNG"), "ok", None),
    "alpha.png": (lambda: saved(picture(12).convert("RGBA"), "PNG"), "ok", None),
    "bilevel.png": (lambda: saved(picture(13).convert("1"), "PNG"), "ok", None),
    "sixteen_bit.png": (sixteen_bit, "ok", None),
    "float.tiff": (lambda: saved(picture(14).convert("F"), "TIFF"), "ok", None),
    "broken_profile.jpg": (lambda: saved(picture(15), "JPEG", icc_profile=b"no profile at all"), "ok", None),
    "lab_profile.jpg": (lab, "ok", None),
    "animated.gif": (animated, "ok", None),
    "png_named.jpg": (lambda: saved(picture(16), "PNG"), "ok", None),
    "unicode 图片 ☂.jpg": (lambda: saved(picture(17), "JPEG"), "ok", None),
    "zero.jpg": (lambda: b"", "failed", "empty"),
    "text.jpg": (lambda: b"this is no picture\n" * 50, "failed", "not_an_image"),
    "page.png": (lambda: b"<html><script>alert(1)</script></html>", "failed", "not_an_image"),
    "postscript.jpg": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n", "failed", "not_an_image"),
    "vector.png": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>', "failed", "not_an_image"),
    "gzip.png": (lambda: gzip.compress(b"x" * 1000), "failed", "not_an_image"),
    "only_header.png": (lambda: saved(picture(20), "PNG")[:20], "failed", "not_an_image|decode_error|truncated"),
    "truncated.jpg": (lambda: saved(picture(21), "JPEG")[:2000], "failed", "truncated"),
    "truncated.png": (lambda: saved(picture(22), "PNG")[:9000], "failed", "truncated|decode_error"),
    "truncated.webp": (lambda: saved(picture(23), "WEBP")[:700], "failed", "truncated|decode_error|not_an_image"),
    "truncated.tiff": (lambda: saved(picture(24), "TIFF")[:5000], "failed", "truncated|decode_error|not_an_image"),
    "damaged.png": (lambda: damaged(saved(picture(25), "PNG"), 0.5), "failed", "decode_error|truncated"),
    "bomb.png": (huge_png, "failed", "too_many_pixels"),
    "tiny.png": (lambda: saved(picture(26, (20, 20)), "PNG"), "rejected", "too_small"),
    "one_pixel.png": (lambda: saved(picture(27, (1, 1)), "PNG"), "rejected", "too_small"),
    "banner.jpg": (lambda: saved(picture(28, (1600, 200)), "JPEG"), "rejected", "crop_loss"),
    "tower.jpg": (lambda: saved(picture(29, (200, 1600)), "JPEG"), "rejected", "crop_loss"),
}

# what no row is owed to: not part of a library
SKIPPED = {"notes.txt": b"hello", "Thumbs.db": b"\0", "movie.mp4": b"\0\0\0\x18ftyp", ".hidden.jpg": b"hidden"}


def bad_folder(folder: Path) -> dict[str, tuple[str, str | None]]:
    """Write the folder; returns what each file is owed."""
    for name, (content, _, _) in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content())
    for name, data in SKIPPED.items():
        (folder / name).write_bytes(data)
    outside = folder.parent / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "secret.jpg").write_bytes(saved(picture(60), "JPEG"))
    (folder / "linked_out.jpg").symlink_to(outside / "secret.jpg")
    (folder / "linked_folder").symlink_to(outside)
    (folder / "dangling.jpg").symlink_to(folder / "nowhere.jpg")
    return {name: (status, reason) for name, (_, status, reason) in FILES.items()} | {"linked_out.jpg": ("failed", "outside")}


def bad_tar(path: Path) -> dict[str, tuple[str, str | None]]:
    """A WebDataset tar with hostile members; returns what each is owed."""
    good = saved(picture(70), "JPEG")
    with tarfile.open(path, "w") as tar:

        def add(name: str, content: bytes, **attributes: object) -> None:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for key, value in attributes.items():
                setattr(member, key, value)
            tar.addfile(member, io.BytesIO(content))

        add("0001.jpg", good)
        add("0001.json", b'{"url": "https://example.org/1", "licence": "CC0-1.0"}')
        add("../../escape.jpg", saved(picture(71), "JPEG"))
        add("/etc/absolute.jpg", saved(picture(72), "JPEG"))
        add("0002.jpg", b"")
        add("0002.json", b"{broken json")
        add("0003.jpg", saved(picture(73), "JPEG"))
        add("0003.jpg", saved(picture(74), "JPEG"))
        add("link.jpg", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd")
        add("device.jpg", b"", type=tarfile.CHRTYPE)
        add("0004.txt", b"a caption")
    name = path.name
    return {
        f"{name}::0001.jpg": ("ok", None),
        f"{name}::../../escape.jpg": ("failed", "hostile_name"),
        f"{name}::/etc/absolute.jpg": ("failed", "hostile_name"),
        f"{name}::0002.jpg": ("failed", "empty"),
        f"{name}::0003.jpg": ("ok", None),
        f"{name}::0003.jpg#2": ("ok", None),
        f"{name}::link.jpg": ("failed", "not_a_file"),
        f"{name}::device.jpg": ("failed", "not_a_file"),
    }


def cut_tar(path: Path) -> None:
    """A tar that ends in the middle of its second member."""
    whole = path.with_suffix(".whole")
    with tarfile.open(whole, "w") as tar:
        for number in range(3):
            content = saved(picture(80 + number), "PNG")
            member = tarfile.TarInfo(f"{number:04d}.png")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    whole.unlink()


def parquet(path: Path, *, struct_column: bool = True) -> None:
    """A Parquet file with an image column, in row groups of two, the third picture null, the fourth broken."""
    contents = [saved(picture(90), "PNG"), saved(picture(91), "JPEG"), None, b"broken", saved(picture(92), "WEBP")]
    images = (
        [{"bytes": one, "path": f"{n}.png"} if one is not None else None for n, one in enumerate(contents)] if struct_column else contents
    )
    table = pa.table({"image": images, "url": [f"https://example.org/{n}" for n in range(5)], "license": ["CC0-1.0"] * 5})
    pq.write_table(table, path, row_group_size=2)
