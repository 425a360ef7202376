"""Bytes of unknown origin to an RGB picture in sRGB, or a reason why not (issue 3, item 3).

Nothing is decoded before its header was checked. Pillow opens only the formats named here, and never completes a truncated file.
"""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from unicedit.map.stage import RowError

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "AVIF", "GIF")
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@dataclass(frozen=True, slots=True)
class Decoded:
    """An RGB picture in sRGB after EXIF orientation; its file format and the mode it was stored in."""

    image: Image.Image
    format: str
    mode: str


def decode(content: bytes, max_file_mb: float, max_megapixels: float) -> Decoded:
    """Decode one picture. Raises ``RowError`` with a reason class: empty, too_large, not_an_image, too_many_pixels, truncated, decode_error."""
    if not content:
        raise RowError("empty: the file has no bytes")
    if len(content) > max_file_mb * 1e6:
        raise RowError(f"too_large: {len(content) / 1e6:.1f} MB > {max_file_mb:g} MB")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of metadata it cannot read; what matters is raised below
        try:
            opened = Image.open(io.BytesIO(content), formats=FORMATS)
        except UnidentifiedImageError as error:
            raise RowError("not_an_image: no known picture format") from error
        except Image.DecompressionBombError as error:
            raise RowError(f"too_many_pixels: {error}") from error
        except Exception as error:
            raise RowError(f"decode_error: {type(error).__name__}: {error}") from error
        with opened:
            if opened.width * opened.height > max_megapixels * 1e6:
                raise RowError(f"too_many_pixels: {opened.width} x {opened.height} > {max_megapixels:g} megapixels")
            name, mode = str(opened.format), opened.mode
            try:
                opened.load()
                image = ImageOps.exif_transpose(opened)
                return Decoded(_to_srgb(image, opened.info.get("icc_profile")), name, mode)
            except Image.DecompressionBombError as error:
                raise RowError(f"too_many_pixels: {error}") from error
            except (OSError, EOFError, SyntaxError, IndexError) as error:
                kind = "truncated" if "truncated" in str(error).lower() or isinstance(error, EOFError) else "decode_error"
                raise RowError(f"{kind}: {error}") from error
            except MemoryError:
                raise
            except Exception as error:
                raise RowError(f"decode_error: {type(error).__name__}: {error}") from error


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert any mode to 8-bit RGB in sRGB; transparency lies on white. A profile that cannot be read is ignored."""
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep(image)
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    elif image.mode in ("PA", "La", "RGBa") or (image.mode in ("L", "1", "RGB") and "transparency" in image.info):
        image = image.convert("RGBA")
    alpha = image.getchannel("A") if image.mode in ("RGBA", "LA") else None
    colour = image.convert("RGB") if image.mode in ("RGBA", "1") else image.convert("L") if image.mode == "LA" else image
    rgb = _through_profile(colour, profile) if profile else None
    if rgb is None:
        rgb = colour if colour.mode == "RGB" else colour.convert("RGB")
    if alpha is not None and alpha.getextrema() != (255, 255):
        ground = Image.new("RGB", rgb.size, "white")
        ground.paste(rgb, mask=alpha)
        return ground
    return rgb


def _from_deep(image: Image.Image) -> Image.Image:
    """16- and 32-bit greys and floats to 8 bits: 16-bit by its range, others by what they hold."""
    values = np.asarray(image)
    if values.dtype == np.uint16 or image.mode.startswith("I;16"):
        grey = (values.astype(np.uint32) * 255 + 32_767) // 65_535
    else:
        finite = np.nan_to_num(values.astype(np.float64))
        low, high = float(finite.min()), float(finite.max())
        if low >= 0 and high <= 1 and image.mode == "F":
            low, high = 0.0, 1.0
        elif low >= 0 and high <= 255:
            low, high = 0.0, 255.0
        elif low >= 0 and high <= 65_535:
            low, high = 0.0, 65_535.0
        grey = np.rint((finite - low) * (255.0 / max(high - low, 1e-12)))
    return Image.fromarray(grey.astype(np.uint8)).convert("RGB")


def _through_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Convert from an embedded ICC profile to sRGB; None when the profile is broken or speaks of another colour space."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if image.mode not in ("RGB", "L", "CMYK", "LAB"):
            image = image.convert("RGB")
        return ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None
