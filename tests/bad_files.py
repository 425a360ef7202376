"""A library of bad and odd files: each kind with the status and the reason class that ingest owes it."""

import gzip
import io
import os
import random
import struct
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageCms

SIDE = 300
Owed = dict[str, tuple[str, str | None]]  # by name: status, and reason classes of which one is right


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


def short(kind: str, length: int) -> Callable[[], bytes]:
    """The first bytes of a picture file."""
    return lambda: saved(picture(length), kind)[:length]


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
    "truncated.gif": (short("GIF", 900), "failed", "truncated|decode_error|not_an_image"),
    "truncated.bmp": (short("BMP", 5000), "failed", "truncated|decode_error|not_an_image"),
    "truncated.avif": (short("AVIF", 800), "failed", "truncated|decode_error|not_an_image"),
    "only_signature.jpg": (lambda: b"\xff\xd8\xff", "failed", "not_an_image|decode_error|truncated"),
    "nothing_but_zeros.jpg": (lambda: b"\0" * 5000, "failed", "not_an_image"),
    "damaged.png": (lambda: damaged(saved(picture(25), "PNG"), 0.5), "failed", "decode_error|truncated"),
    "bomb.png": (huge_png, "failed", "too_many_pixels"),
    "tiny.png": (lambda: saved(picture(26, (20, 20)), "PNG"), "rejected", "too_small"),
    "one_pixel.png": (lambda: saved(picture(27, (1, 1)), "PNG"), "rejected", "too_small"),
    "banner.jpg": (lambda: saved(picture(28, (1600, 200)), "JPEG"), "rejected", "crop_loss"),
    "tower.jpg": (lambda: saved(picture(29, (200, 1600)), "JPEG"), "rejected", "crop_loss"),
}

# what no row is owed to: not part of a library
SKIPPED = {"notes.txt": b"hello", "Thumbs.db": b"\0", "movie.mp4": b"\0\0\0\x18ftyp", ".hidden.jpg": b"hidden"}


def bad_folder(folder: Path) -> Owed:
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
    (folder / "linked_folder").symlink_to(outside)
    return {name: (status, reason) for name, (_, status, reason) in FILES.items()} | odd_names(folder) | odd_entries(folder, outside)


def odd_names(folder: Path) -> Owed:
    """Good pictures whose names are no UTF-8, or hold what is special elsewhere."""
    owed: Owed = {}
    named = {
        b"latin caf\xe9.jpg": "latin caf\\xe9.jpg",
        b"back\\slash.jpg": "back\\\\slash.jpg",
        b"line\nbreak {0}.jpg": "line\nbreak {0}.jpg",
    }
    for number, (name, shown) in enumerate(named.items()):
        (folder / os.fsdecode(name)).write_bytes(saved(picture(61 + number), "JPEG"))
        owed[shown] = ("ok", None)
    return owed


def odd_entries(folder: Path, outside: Path) -> Owed:
    """Entries that look like pictures or folders of pictures, and cannot be read."""
    (folder / "linked_out.jpg").symlink_to(outside / "secret.jpg")
    (folder / "dangling.jpg").symlink_to(folder / "nowhere.jpg")
    (folder / "dangling.tar").symlink_to(folder / "nowhere.tar")
    (folder / "linked_to_itself.jpg").symlink_to("linked_to_itself.jpg")
    (folder / "linked_to_folder.jpg").symlink_to(outside)
    os.mkfifo(folder / "pipe.jpg")
    owed: Owed = {
        "linked_out.jpg": ("failed", "outside"),
        "dangling.jpg": ("failed", "dangling_link"),
        "dangling.tar": ("failed", "dangling_link"),
        "linked_to_itself.jpg": ("failed", "unreadable"),
        "linked_to_folder.jpg": ("failed", "not_a_file"),
        "pipe.jpg": ("failed", "not_a_file"),
    }
    return owed | {too_deep(folder): ("failed", "unreadable")}


def too_deep(folder: Path) -> str:
    """Make folders in folders until their path is too long to be listed, for root too; returns the name that the scan gives up at."""
    names = [f"deep{number:02d}".ljust(250, "x") for number in range(18)]
    at = os.open(folder, os.O_RDONLY)
    for name in names:
        os.mkdir(name, dir_fd=at)
        inner = os.open(name, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = inner
    os.close(at)
    path, given = str(folder), ""
    for name in names:
        path, given = f"{path}/{name}", f"{given}{name}/"
        try:
            os.listdir(path)
        except OSError:
            return given
    raise AssertionError("the file system lists any path")


def bad_tar(path: Path) -> Owed:
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
        add("0005.jpg", saved(picture(75), "JPEG"))
        add("0005.json", b'{"url": "https://example.org/half \\ud800 a character", "licence": 5}')
        add(os.fsdecode(b"caf\xe9.jpg"), saved(picture(76), "JPEG"))
        add("sparse.jpg", b"", type=tarfile.GNUTYPE_SPARSE)
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
        f"{name}::0005.jpg": ("ok", None),
        f"{name}::caf\\xe9.jpg": ("ok", None),
        f"{name}::sparse.jpg": ("failed", "not_a_file"),
    }


def cut_tar(path: Path) -> Owed:
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
    name = path.name
    return {f"{name}::0000.png": ("ok", None), f"{name}::0001.png": ("failed", "truncated"), name: ("failed", "broken_tar")}


def tar_with(path: Path, then: Callable[[IO[bytes]], None], *, packed: bool = True) -> Owed:
    """A (packed) tar of one good picture, then whatever ``then`` writes; the picture is owed a row, and what follows one that it failed."""
    content = saved(picture(int.from_bytes(path.name.encode()[:2]) + len(path.name)), "JPEG")
    member = tarfile.TarInfo("good.jpg")
    member.size = len(content)
    with gzip.open(path, "wb", compresslevel=1) if packed else path.open("wb") as stream:
        stream.write(member.tobuf(tarfile.GNU_FORMAT) + content + b"\0" * (-len(content) % 512))
        then(stream)
    return {f"{path.name}::good.jpg": ("ok", None), path.name: ("failed", "too_large|broken_tar")}


def header(stream: IO[bytes], kind: bytes, size: int, written: int) -> None:
    """A header of a kind that tarfile reads whole, of ``size`` bytes by its own word and ``written`` bytes in fact."""
    member = tarfile.TarInfo("././@LongLink")
    member.type, member.size = kind, size
    block = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    if kind == tarfile.GNUTYPE_SPARSE:  # whose map goes on in blocks that each say whether another follows
        block[482] = 1
        block[148:156] = b"%06o\0 " % (256 + sum(block[:148]) + sum(block[156:]))
    stream.write(block)
    for _ in range(written >> 20):
        stream.write((b"1" if kind == tarfile.GNUTYPE_SPARSE else b"\0") * (1 << 20))


def bomb_tars(folder: Path, megabytes: int = 8) -> Owed:
    """Small tars that unpack, or are read, to much more."""
    size = megabytes << 20
    kinds = {
        "longname": tarfile.GNUTYPE_LONGNAME,
        "longlink": tarfile.GNUTYPE_LONGLINK,
        "pax": tarfile.XHDTYPE,
        "pax_all": tarfile.XGLTYPE,
        "map": tarfile.GNUTYPE_SPARSE,
    }
    owed: Owed = {}
    for name, kind in kinds.items():
        owed |= tar_with(folder / f"{name}.tar.gz", lambda stream, kind=kind: header(stream, kind, size, size))  # type: ignore[misc]
    owed |= tar_with(folder / "unpacks.tar.gz", lambda stream: header(stream, tarfile.REGTYPE, 1 << 33, 0))
    owed |= tar_with(folder / "chain.tgz", lambda stream: [header(stream, tarfile.GNUTYPE_LONGNAME, 0, 0) for _ in range(5000)] and None)
    return owed | tar_with(folder / "no_header.tar", lambda stream: stream.write(b"this is no header".ljust(512)) and None, packed=False)


def parquet(path: Path, *, struct_column: bool = True) -> Owed:
    """A Parquet file with an image column, in row groups of two, the third picture null, the fourth broken."""
    contents = [saved(picture(90), "PNG"), saved(picture(91), "JPEG"), None, b"broken", saved(picture(92), "WEBP")]
    images = (
        [{"bytes": one, "path": f"{n}.png"} if one is not None else None for n, one in enumerate(contents)] if struct_column else contents
    )
    table = pa.table({"image": images, "url": [f"https://example.org/{n}" for n in range(5)], "license": ["CC0-1.0"] * 5})
    pq.write_table(table, path, row_group_size=2)
    outcomes: list[tuple[str, str | None]] = [("ok", None), ("ok", None), ("failed", "no_bytes"), ("failed", "not_an_image"), ("ok", None)]
    return {f"{path.name}::{number}": outcome for number, outcome in enumerate(outcomes)}


def bad_library(folder: Path) -> Owed:
    """All but the bombs in one folder (each container makes a shard, so there are few); returns what each picture, or container, is owed."""
    owed = bad_folder(folder) | bad_tar(folder / "hostile.tar") | cut_tar(folder / "cut.tar")
    owed |= parquet(folder / "pictures.parquet")
    (folder / "no.parquet").write_bytes(b"PAR1 this is no Parquet file")
    (folder / "no.tar").write_bytes(b"this is no tar")
    owed |= {"no.parquet": ("failed", "broken_parquet"), "no.tar": ("failed", "broken_tar")}
    assert sum(status != "ok" for status, _ in owed.values()) >= 30, "30 kinds of bad file"
    return owed
