"""One value a sample: the geometric mean of its metrics and each metric alone, under every way to treat what is missing."""

import warnings
from dataclasses import dataclass

import numpy as np

from unicedit.scoring.cube import Bools, Cube, Floats
from unicedit.scoring.schema import HIGHEST, METRICS, OVERALL

COLUMNS = (*METRICS, OVERALL)  # a metric has the same number as in METRICS


@dataclass(frozen=True, slots=True)
class Values:
    """Three arrays (judges, models, samples, columns), columns as ``COLUMNS``; NaN where a sample is not asked for a metric, or a model not judged.

    ``seen``: the mean over the repeats that were scored, NaN where none was. ``low`` and ``high``: the mean over all repeats with each missing
    score as 0 and as 10; the true value lies between them, whatever made a score fail.
    """

    seen: Floats
    low: Floats
    high: Floats


def values_of(cube: Cube) -> Values:
    """The values of every sample. The overall of a repeat is the geometric mean of all its metrics: missing where one of them is (paper, section on UnicBench)."""
    expected = cube.judged[..., None] & np.append(cube.asked, np.ones((len(cube.keys), 1), dtype=bool), axis=1)[None, None]
    missing = np.isnan(cube.scores)

    def finished(scores: Floats) -> Floats:
        columns = np.concatenate([scores, overall(scores, cube.asked)[..., None, :]], axis=-2)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)  # no repeat was scored: NaN is meant
            return np.where(expected, np.nanmean(columns, axis=-1), np.nan)

    return Values(finished(cube.scores), finished(np.where(missing, 0.0, cube.scores)), finished(np.where(missing, HIGHEST, cube.scores)))


def overall(scores: Floats, asked: Bools) -> Floats:
    """Geometric means, (..., samples, repeats), of scores (..., samples, metrics, repeats) over the metrics that ``asked`` (samples, metrics) names."""
    product = np.where(asked[..., None], scores, 1.0).prod(axis=-2)
    return np.asarray(product ** (1.0 / asked.sum(axis=-1))[:, None])
