"""Perceptual hashes of a picture and of windows of it, so that a crop is found by comparing hashes.

The hash is that of duplicates (``imagehash.phash``: 32 x 32 grey values, the 8 x 8 lowest frequencies of their DCT, each above their median or not), but each window's
32 x 32 are read from one small picture by matrices, which makes all windows cost as much as some twenty pictures, not 784.
"""

import functools

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dct

Floats = NDArray[np.float32]
Hashes = NDArray[np.uint64]
Window = tuple[float, float, float, float]  # left, top, right, bottom, as shares of the picture

SIDE = 192  # pixels of the longer side that windows are read from
SMALLEST = 32
STEP = 0.05
LENGTHS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7)  # sides of windows, so down to about half the area
_SAMPLES, _LOWEST = 32, 8


def _spans() -> list[tuple[float, float]]:
    return [(place * STEP, place * STEP + length) for length in LENGTHS for place in range(round((1 - length) / STEP) + 1)]


SPANS = _spans()
WINDOWS: list[Window] = [(left, top, right, bottom) for left, right in SPANS for top, bottom in SPANS]
WHOLE = 0  # the number of the window that is the whole picture


def grey(image: Image.Image) -> Image.Image:
    """The picture in grey, made small: what everything here looks at."""
    factor = SIDE / max(image.size)
    width, height = (max(SMALLEST, round(side * min(factor, 1.0))) for side in image.size)
    return image.convert("L").resize((width, height), Image.Resampling.LANCZOS)


def mirrored(image: Image.Image) -> Image.Image:
    """The mirror image, left for right."""
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def hashes(image: Image.Image) -> Hashes:
    """The hash of each window of ``WINDOWS`` (784,) of a ``grey`` picture."""
    across, down = _lowest(image.width), _lowest(image.height)
    rows = np.tensordot(down, np.asarray(image, np.float32), axes=([2], [0]))  # spans, frequencies, width
    frequencies = np.tensordot(rows, across, axes=([2], [2])).transpose(2, 0, 1, 3).reshape(len(WINDOWS), -1)
    above = frequencies > np.median(frequencies, axis=1, keepdims=True)
    found: Hashes = np.packbits(above, axis=1).view(">u8")[:, 0].astype(np.uint64)
    return found


@functools.lru_cache(maxsize=2 * SIDE)
def _lowest(length: int) -> Floats:
    """Along a side of ``length`` pixels, the lowest frequencies of the samples of each span: (spans, 8, length)."""
    cosines = dct(np.eye(_SAMPLES), axis=0)[:_LOWEST]
    pixels = np.arange(length) + 0.5
    found = []
    for start, end in SPANS:
        step = (end - start) * length / _SAMPLES
        middles = start * length + (np.arange(_SAMPLES) + 0.5) * step
        weights = np.maximum(0.0, 1 - np.abs(pixels - middles[:, None]) / max(step, 1.0))
        weights[:, (pixels < start * length - 0.5) | (pixels > end * length + 0.5)] = 0
        found.append(cosines @ (weights / weights.sum(axis=1, keepdims=True)))
    return np.stack(found).astype(np.float32)
