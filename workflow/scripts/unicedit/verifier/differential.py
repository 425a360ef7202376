"""The differential picture: what changed from source to edit, made visible as a third picture that any vision-language model can read."""

import numpy as np
from PIL import Image

# Grey levels that a generator changes without being asked (world/look.py: two or three); what is smaller is shown as no difference.
SOFTENED = 6


def differential_picture(source: Image.Image, edit: Image.Image) -> Image.Image:
    """The signed difference edit - source of each channel around mid grey (128), RGB, of the source's size.

    Differences are drawn towards zero by ``SOFTENED`` grey levels, so that flicker vanishes and untouched ground is an even grey, and are cut at
    the ends of the scale. An edit of another size is resized to the source's.
    """
    if edit.size != source.size:
        edit = edit.resize(source.size, Image.Resampling.LANCZOS)
    before, after = (np.asarray(image.convert("RGB"), np.int16) for image in (source, edit))
    return Image.fromarray(signed_difference(before, after))


def signed_difference(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The same for arrays of grey levels 0 to 255 (any shape, int16); uint8."""
    difference = after - before
    softened = difference - np.clip(difference, -SOFTENED, SOFTENED)
    shown: np.ndarray = np.clip(softened + 128, 0, 255).astype(np.uint8)
    return shown
