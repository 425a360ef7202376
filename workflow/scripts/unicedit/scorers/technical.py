"""Technical quality: sharpness, contrast and exposure of a picture. It knows nothing of aesthetics.

quality = 10 * (sharpness * contrast * exposure) ** (1/3), each part 0..1:

- sharpness = 1 - blur, by Crete et al. 2007 (``skimage.measure.blur_effect``), stretched so that 0.75 blur (plainly blurred) is 0 and 0.25 (crisp) is 1;
- contrast  = the 5th to 95th percentile range of luminance over 0.5, at most 1;
- exposure  = 1 - the share of pixels that are clipped to black or white beyond 2%.

Large pictures are reduced to about 512 pixels first: what is blurred at that size is blurred for editing too.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image

REDUCED_SIDE = 512
BLUR_RANGE = (0.25, 0.75)
FULL_CONTRAST = 0.5
TOLERATED_CLIPPING = 0.02


class TechnicalScorer:
    """Columns quality (0..10), sharpness, contrast, clipping (0..1)."""

    def score(self, images: Sequence[Image.Image]) -> list[dict[str, float]]:
        return [self._one(image) for image in images]

    def _one(self, image: Image.Image) -> dict[str, float]:
        from skimage.measure import blur_effect

        factor = max(1, round(min(image.size) / REDUCED_SIDE))
        small = image if factor == 1 else image.reduce(factor)
        luminance = np.asarray(small.convert("L"), dtype=np.float32) / 255
        low, high = np.percentile(luminance, (5, 95))
        contrast = float(min(1.0, (high - low) / FULL_CONTRAST))
        # a plain ground has no edge to be blurred: the measure is undefined there, and contrast already says 0
        blur = float(blur_effect(luminance)) if contrast > 0 else 1.0
        sharpness = float(np.clip((BLUR_RANGE[1] - blur) / (BLUR_RANGE[1] - BLUR_RANGE[0]), 0, 1))
        clipping = float(np.mean((luminance <= 1 / 255) | (luminance >= 254 / 255)))
        exposure = 1 - max(0.0, clipping - TOLERATED_CLIPPING) / (1 - TOLERATED_CLIPPING)
        quality = 10 * float(np.cbrt(sharpness * contrast * exposure))
        return {"quality": quality, "sharpness": sharpness, "contrast": contrast, "clipping": clipping}
