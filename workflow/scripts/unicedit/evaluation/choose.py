"""Choosing on the validation split: SSIM's threshold, the threshold of a margin, and the weight of the second reader."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0)  # of the blind reading's log-probability beside the informed one's


def threshold(scores: Sequence[float], changed: Sequence[bool]) -> float:
    """The threshold that tells changed from unchanged best: a score *below* it means unchanged.

    Best: the largest mean of the shares of changed and of unchanged cases that are told rightly, so that the mixture of kinds does not matter. Among equals the
    middle one; between two scores, half way. ``ValueError`` unless both kinds are there.
    """
    values, truth = np.asarray(scores, np.float64), np.asarray(changed, bool)
    if truth.all() or not truth.any():
        raise ValueError("a threshold is chosen on changed and unchanged cases; one of the two is missing")
    levels = np.unique(values)
    cuts = np.concatenate([[levels[0] - 1], (levels[:-1] + levels[1:]) / 2, [levels[-1] + 1]])
    # how many unchanged cases lie below each cut, and how many changed ones above
    below = np.searchsorted(np.sort(values[~truth]), cuts) / (~truth).sum()
    above = 1 - np.searchsorted(np.sort(values[truth]), cuts) / truth.sum()
    quality = below + above
    best = np.flatnonzero(quality >= quality.max() - 1e-12)
    return float(cuts[best[(len(best) - 1) // 2]])


def joint_choice(log_probabilities: NDArray[np.float64], fits: NDArray[np.bool_], weight: float) -> NDArray[np.intp]:
    """Which of two replies is chosen, (n,): 0 the informed one, 1 the blind one. Of those that parse, the one that is likelier; equals go to the informed one.

    ``log_probabilities`` is (n, 4) as in ``schema.EVALUATION``, ``fits`` (n, 2): whether each parses.
    """
    joint = log_probabilities[:, :2] + weight * log_probabilities[:, 2:]
    return (fits[:, 1] & (~fits[:, 0] | (joint[:, 1] > joint[:, 0]))).astype(np.intp)


def weight(log_probabilities: NDArray[np.float64], fits: NDArray[np.bool_], right: NDArray[np.bool_], kinds: Sequence[str]) -> float:
    """The weight of ``WEIGHTS`` with the most replies fully right, in the mean over kinds; the smallest among equals. ``right`` is (n, 2)."""
    labels = np.asarray(kinds)
    rows = np.arange(len(labels))

    def quality(candidate: float) -> float:
        taken = right[rows, joint_choice(log_probabilities, fits, candidate)]
        return float(np.mean([taken[labels == kind].mean() for kind in np.unique(labels)]))

    if not len(labels):
        raise ValueError("a weight is chosen on at least one sample")
    return max(WEIGHTS, key=lambda candidate: (round(quality(candidate), 12), -candidate))
