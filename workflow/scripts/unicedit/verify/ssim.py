"""Verification by structural similarity: the baseline that the paper finds unfit (Wang et al. 2004)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unicedit.map.stage import Row, RowError
from unicedit.pictures import decoded
from unicedit.verify.port import Case


class SsimVerifier:
    """Measures the similarity of source and edit; whether that is a change, a threshold says (``VerifyStage.decide``). It cannot restate:
    the instruction stays.
    """

    def verify(self, cases: Sequence[Case]) -> list[Row | RowError]:
        """The score of each case."""
        return [
            {
                "verifier": "ssim",
                "score": similarity(decoded(case.source), decoded(case.edit)),
                "prompt_en": case.instruction_en,
                "prompt_cn": case.instruction_cn,
            }
            for case in cases
        ]


def similarity(source: Image.Image, edit: Image.Image) -> float:
    """Mean SSIM of the luminance, -1 to 1: Gaussian weights with sigma 1.5, range 255. An edit of another size is resized to the
    source's, for the comparison only.
    """
    if edit.size != source.size:
        edit = edit.resize(source.size, Image.Resampling.LANCZOS)
    return mean_ssim(_luminance(source), _luminance(edit))


def _luminance(image: Image.Image) -> NDArray[np.float32]:
    return np.asarray(image.convert("L"), np.float32)


def mean_ssim(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Mean SSIM of two grey pictures of one shape, at least 11 pixels a side."""
    from skimage.metrics import structural_similarity

    return float(structural_similarity(first, second, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False))
