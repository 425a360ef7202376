"""How pictures go to a server."""

import io
import math

import pybase64
from PIL import Image

from unicedit.config.openai import SentPicturesSettings
from unicedit.pictures import decoded

_KINDS = ((b"\x89PNG", "image/png"), (b"\xff\xd8", "image/jpeg"), (b"RIFF", "image/webp"))


def _kind(data: bytes) -> str:
    return next(kind for start, kind in _KINDS if data.startswith(start))


def sent(data: bytes, settings: SentPicturesSettings) -> tuple[bytes, str]:
    """A stored picture's bytes as they are sent, and their media type. Lossless unless the settings say otherwise."""
    kind = _kind(data)
    small = settings.max_pixels is None
    if settings.format == "stored" and small:
        return data, kind
    image = decoded(data)
    shrunk = _fitted(image, settings.max_pixels)
    wanted = {"stored": "image/png" if kind == "image/webp" else kind, "png": "image/png", "jpeg": "image/jpeg"}[settings.format]
    if shrunk is image and wanted == kind and settings.format != "jpeg":
        return data, kind
    stream = io.BytesIO()
    if wanted == "image/jpeg":
        shrunk.save(stream, "JPEG", quality=settings.quality, subsampling=0)
    else:
        shrunk.save(stream, "PNG", compress_level=1)
    return stream.getvalue(), wanted


def _fitted(image: Image.Image, most: int | None) -> Image.Image:
    if most is None or image.width * image.height <= most:
        return image
    factor = math.sqrt(most / (image.width * image.height))
    size = (max(1, int(image.width * factor)), max(1, int(image.height * factor)))
    return image.resize(size, Image.Resampling.LANCZOS)


def data_url_parts(data: bytes, settings: SentPicturesSettings) -> tuple[bytes, bytes]:
    """The picture as a data URL (ASCII), in two parts: its head and its long rest."""
    content, kind = sent(data, settings)
    return f"data:{kind};base64,".encode(), pybase64.b64encode(content)


def data_url(data: bytes, settings: SentPicturesSettings) -> bytes:
    """The picture as a data URL (ASCII)."""
    return b"".join(data_url_parts(data, settings))
