"""Stored pictures: to bytes and back."""

import hashlib
import io

from PIL import Image

from unicedit.config.ingest import EncodingSettings


def encoded(image: Image.Image, settings: EncodingSettings) -> bytes:
    """An RGB picture as a file's bytes: the same bytes for the same pixels and settings."""
    # what a file said of itself (a colour profile with the time of its making, comments, EXIF) is not carried along
    image = image.copy()
    image.info = {}
    stream = io.BytesIO()
    if settings.format == "png":
        image.save(stream, "PNG", compress_level=settings.compress_level)
    elif settings.format == "webp":
        image.save(stream, "WEBP", quality=settings.quality, lossless=settings.quality == 100)
    else:
        image.save(stream, "JPEG", quality=settings.quality, subsampling=0)
    return stream.getvalue()


def decoded(data: bytes) -> Image.Image:
    """A picture that the pipeline itself stored, as RGB."""
    with Image.open(io.BytesIO(data), formats=("PNG", "WEBP", "JPEG")) as opened:
        return opened.convert("RGB")


def bytes_digest(data: bytes) -> str:
    """32 hexadecimal digits (BLAKE2b-128) of a file's bytes."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()
