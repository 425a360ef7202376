"""Backdrops made over from the training photographs, and drawn ones, so that a model does not learn five photographs by heart."""

import numpy as np
from PIL import Image, ImageOps

from unicedit.world.chance import chance, noise_source
from unicedit.world.photos import photograph
from unicedit.world.splits import TRAIN


def ground(number: int, width: int, height: int) -> Image.Image:
    """A backdrop of that size, RGB, the same for the same number."""
    lot = chance("ground", number)
    how = lot.random()
    if how < 0.2:
        values = _drawn(number, width, height)
    else:
        values = _crop(number, 0, width, height)
        if how > 0.65:
            share = lot.uniform(0.3, 0.7)
            values = values * share + _crop(number, 1, width, height) * (1 - share)
            values = (values - values.mean()) * lot.uniform(1.0, 1.5) + values.mean()
    if lot.random() < 0.35:
        values = values[..., list(lot.choice(((0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))))]
    grey = values.mean(2, keepdims=True)
    values = grey + (values - grey) * lot.uniform(0.3, 1.5)
    values = values * lot.uniform(0.65, 1.25) + lot.uniform(-25, 35)
    values = values * np.array([lot.uniform(0.8, 1.2) for _ in range(3)], np.float32)
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def _crop(number: int, part: int, width: int, height: int) -> np.ndarray:
    """Any part of a training photograph, from a third of its side to all, perhaps turned over."""
    lot = chance("ground crop", number, part)
    whole = photograph(lot.choice(TRAIN))
    scale = min(whole.width / width, whole.height / height) * lot.uniform(0.35, 1.0)
    across, down = width * scale, height * scale
    left, top = lot.uniform(0, whole.width - across), lot.uniform(0, whole.height - down)
    shown = whole.resize((width, height), Image.Resampling.BICUBIC, box=(left, top, left + across, top + down))
    shown = ImageOps.mirror(shown) if lot.random() < 0.5 else shown
    return np.asarray(ImageOps.flip(shown) if lot.random() < 0.3 else shown, np.float32)


def _drawn(number: int, width: int, height: int) -> np.ndarray:
    """Soft clouds of colour at three scales."""
    lot = chance("ground clouds", number)
    source = noise_source("ground clouds", number)
    values = np.full((height, width, 3), lot.uniform(60, 190), np.float32)
    for cells, strength in ((2, 60.0), (5, 40.0), (lot.choice((12, 24, 48)), lot.uniform(5, 40))):
        rough = source.normal(128, strength, (cells, cells, 3)).clip(0, 255).astype(np.uint8)
        kind = lot.choice((Image.Resampling.BICUBIC, Image.Resampling.BILINEAR, Image.Resampling.NEAREST))
        values += np.asarray(Image.fromarray(rough).resize((width, height), kind), np.float32) - 128
    return values
