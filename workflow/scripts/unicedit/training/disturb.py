"""What a generator changes in a picture without being asked: flicker, recompression, a shift of less than a pixel."""

import io
import random

from PIL import Image, ImageOps

from unicedit.config.samples import DisturbanceShares
from unicedit.world.look import flickered

_EDGE = 2  # pixels reflected around a picture that is shifted, so that no border comes in


def drawn(shares: DisturbanceShares, lot: random.Random) -> tuple[str, tuple[float, ...]]:
    """A disturbance and its measures, by lot.

    flicker: strength in grey levels; recompression: 0 for JPEG or 1 for WebP, and the quality; shift: pixels to the right and down.
    """
    names = ("none", "flicker", "recompression", "shift")
    (how,) = lot.choices(names, [getattr(shares, name) for name in names])
    if how == "flicker":
        return how, (round(lot.uniform(shares.flicker_min, shares.flicker_max), 2),)
    if how == "recompression":
        return how, (lot.randrange(2), lot.randint(30, 95))
    if how == "shift":
        return how, (round(lot.uniform(-0.9, 0.9), 3), round(lot.uniform(-0.9, 0.9), 3))
    return how, ()


def disturbed(image: Image.Image, how: str, measures: tuple[float, ...], *seed: object) -> Image.Image:
    """The RGB picture with that disturbance; ``seed`` decides the flicker's noise."""
    if how == "flicker":
        return flickered(image, measures[0], "sample", *seed)
    if how == "recompression":
        stored = io.BytesIO()
        image.save(stored, "WEBP" if measures[0] else "JPEG", quality=int(measures[1]))
        return Image.open(stored).convert("RGB")
    if how == "shift":
        wide = _reflected(image)
        moved = wide.transform(
            wide.size, Image.Transform.AFFINE, (1, 0, -measures[0], 0, 1, -measures[1]), resample=Image.Resampling.BICUBIC
        )
        return ImageOps.crop(moved, _EDGE)
    return image


def _reflected(image: Image.Image) -> Image.Image:
    """The picture with its edges repeated around it by reflection."""
    width, height = image.size
    wide = Image.new("RGB", (width + 2 * _EDGE, height + 2 * _EDGE))
    wide.paste(image, (_EDGE, _EDGE))
    wide.paste(ImageOps.mirror(image.crop((0, 0, _EDGE, height))), (0, _EDGE))
    wide.paste(ImageOps.mirror(image.crop((width - _EDGE, 0, width, height))), (width + _EDGE, _EDGE))
    top, bottom = wide.crop((0, _EDGE, wide.width, 2 * _EDGE)), wide.crop((0, height, wide.width, height + _EDGE))
    wide.paste(ImageOps.flip(top), (0, 0))
    wide.paste(ImageOps.flip(bottom), (0, height + _EDGE))
    return wide
