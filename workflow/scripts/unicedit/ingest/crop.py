"""Crop and size of a source: the 17 sizes of FLUX.1-Kontext (paper section 1)."""

from dataclasses import dataclass

# width x height, as FLUX.1-Kontext prefers them; about one megapixel each
KONTEXT_SIZES = (
    (672, 1568),
    (688, 1504),
    (720, 1456),
    (752, 1392),
    (800, 1328),
    (832, 1248),
    (880, 1184),
    (944, 1104),
    (1024, 1024),
    (1104, 944),
    (1184, 880),
    (1248, 832),
    (1328, 800),
    (1392, 752),
    (1456, 720),
    (1504, 688),
    (1568, 672),
)


@dataclass(frozen=True, slots=True)
class Crop:
    """A box in the full picture (pixels), the size it is resized to, and the share of the area that is lost."""

    box: tuple[int, int, int, int]
    size: tuple[int, int]
    loss: float


def crop_of(width: int, height: int, size_divisor: int) -> Crop:
    """The nearest of the 17 sizes by aspect ratio (each side divided by ``size_divisor``), and the centred box of that shape."""
    ratio = width / height
    target = min(KONTEXT_SIZES, key=lambda size: abs(size[0] / size[1] - ratio))
    shape = target[0] / target[1]
    cropped = (max(1, round(height * shape)), height) if ratio > shape else (width, max(1, round(width / shape)))
    left, top = (width - cropped[0]) // 2, (height - cropped[1]) // 2
    loss = 1 - cropped[0] * cropped[1] / (width * height)
    return Crop((left, top, left + cropped[0], top + cropped[1]), (target[0] // size_divisor, target[1] // size_divisor), loss)
