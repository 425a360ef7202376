"""Whether neighbours in the ranking differ by more than noise."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from unicedit.scoring.aggregate import Mean, judged_in, ranking
from unicedit.scoring.cube import Cube, Floats, Ints
from unicedit.scoring.resample import Draws, intervals, known
from unicedit.scoring.schema import OVERALL
from unicedit.scoring.values import COLUMNS, Values
from unicedit.tables.table5_statistics import holm


@dataclass(frozen=True, slots=True)
class Neighbours:
    """How far ``better`` lies above ``worse`` in the overall, in points, on the ``n`` samples that both were scored on.

    ``p``: two-sided, that the gap is 0; ``p_holm``: corrected for all neighbours of the ranking. The gap may be negative where other samples make
    the ranking than those that both share.
    """

    judge: str
    language: str
    better: str
    worse: str
    gap: float
    ci_low: float | None
    ci_high: float | None
    p: float
    p_holm: float
    n: int


def neighbours(cube: Cube, values: Values, means: list[Mean], draws: Draws, seed: int, confidence: float) -> list[Neighbours]:
    """Each model against the next one of its ranking (missing samples left out), by judge and language; pairs without a common sample are left out.

    The interval is the paired bootstrap's; the p-value that of a permutation test, which changes the sign of a picture's differences at random.
    """
    resamples = len(draws.weights)
    random = np.random.Generator(np.random.PCG64([seed, 1]))  # not the stream of the draws
    signs = random.integers(0, 2, size=(resamples, len(cube.sources)), dtype=np.int8).astype(np.float64) * 2 - 1
    found = []
    for language in cube.languages:
        (members,) = np.nonzero(cube.language == language)
        overalls = values.seen[:, :, members, COLUMNS.index(OVERALL)]
        place = {(cube.judges[judge], cube.models[model]): (judge, model) for judge, model in judged_in(cube, members)}
        for judge in cube.judges:
            ranked = ranking(means, judge, language)
            own = []
            for better, worse in pairwise(ranked):
                gap = overalls[place[judge, better]] - overalls[place[judge, worse]]
                shared = np.isfinite(gap)
                if shared.any():
                    clusters = _sums(gap[shared], cube.source[members[shared]], len(cube.sources))
                    freedom = draws.freedom(members[shared])
                    own.append((better, worse, *_compared(clusters, draws.weights, signs, freedom, confidence), int(shared.sum())))
            corrected = holm([one[5] for one in own])
            found += [Neighbours(judge, language, *one[:6], p, one[6]) for one, p in zip(own, corrected, strict=True)]
    return found


def _sums(gap: Floats, cluster: Ints, clusters: int) -> Floats:
    """Sum and count of gaps by cluster, (clusters, 2)."""
    return np.stack([np.bincount(cluster, gap, clusters), np.bincount(cluster, minlength=clusters)], axis=1).astype(np.float64)


def _compared(
    clusters: Floats, weights: Floats, signs: Floats, freedom: int, confidence: float
) -> tuple[float, float | None, float | None, float]:
    total, count = clusters.sum(axis=0)
    sums = weights @ clusters
    with np.errstate(invalid="ignore", divide="ignore"):  # a draw without a shared sample
        low, high = intervals((sums[:, 0] / sums[:, 1])[:, None], freedom, confidence)
    extreme = np.abs(signs @ clusters[:, 0]) >= abs(total) - 1e-9
    p = float((1 + extreme.sum()) / (1 + len(signs)))
    return float(total / count), *known(low[0], high[0]), p
