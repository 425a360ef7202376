"""Bootstrap weights of clusters, and intervals from resampled means.

A cluster is a source picture: everything made of one picture (its instruction in two languages, its repeats) is drawn together, and the same draw serves
every model, so that differences between models are paired. Draws are within a sub-task, whose number of samples is fixed by the benchmark's design.
Of a stratum of n clusters n - 1 are drawn and weighted n / (n - 1) (Rao and Wu 1988): drawing n would make intervals too narrow by the factor
(n - 1) / n in the variance, which at five samples a sub-task is much. Repeats need no draw of their own: a cluster's variance holds theirs.
"""

from dataclasses import dataclass

import numpy as np

from unicedit.scoring.cube import Cube, Floats, Ints
from unicedit.tables.interval import Interval


@dataclass(frozen=True, slots=True)
class Draws:
    """Weights of clusters, (resamples, clusters). ``cluster`` numbers each sample's; ``stratum`` each cluster's."""

    weights: Floats
    cluster: Ints
    stratum: Ints

    def freedom(self, samples: Ints) -> int:
        """Degrees of freedom of a mean over these samples: clusters less strata."""
        there = np.unique(self.cluster[samples])
        return len(there) - len(np.unique(self.stratum[there]))


def draws_of(cube: Cube, resamples: int, seed: int) -> Draws:
    """Draw the clusters of a benchmark. One whose pictures serve several sub-tasks belongs to the first of them.

    Sub-tasks with a single cluster form one stratum together; where only one cluster is in it, that one does not vary.
    """
    strata = np.full(len(cube.sources), len(cube.subtasks), dtype=np.int64)
    np.minimum.at(strata, cube.source, cube.subtask)
    alone = np.bincount(strata, minlength=len(cube.subtasks)) == 1
    strata = np.where(alone[strata], -1, strata)
    random = np.random.Generator(np.random.PCG64(seed))
    weights = np.ones((resamples, len(cube.sources)))
    for stratum in np.unique(strata):
        (members,) = np.nonzero(strata == stratum)
        n = len(members)
        if n > 1:
            weights[:, members] = random.multinomial(n - 1, np.full(n, 1 / n), size=resamples) * (n / (n - 1))
    return Draws(weights, cube.source, strata)


def picture_weights(pictures: int, resamples: int, seed: int) -> Floats:
    """How often each picture is drawn, (1 + resamples, pictures): first all once, then n - 1 of n with replacement. A single picture does not vary."""
    lot = np.random.Generator(np.random.PCG64(seed))
    drawn = lot.multinomial(pictures - 1, np.full(pictures, 1 / pictures), size=resamples) if pictures > 1 else np.ones((1, 1))
    return np.concatenate([np.ones((1, pictures)), drawn])


def intervals(resampled: Floats, freedom: int, confidence: float) -> tuple[Floats, Floats]:
    """Lower and upper ends, each (...), of the means that were resampled as (resamples, ...); NaN where no end is known.

    Percentiles of the draws that hold a scored sample, expanded to Student's quantile (Hesterberg 2015). No end is known without a degree of freedom, or
    where no draw differs from another.
    """
    from scipy.special import ndtr, stdtrit

    ends = np.full((2, *resampled.shape[1:]), np.nan)
    kept = np.isfinite(resampled)
    known = np.where(kept, resampled, -np.inf).max(axis=0) - np.where(kept, resampled, np.inf).min(axis=0) > 1e-12
    if freedom >= 1 and known.any():
        tail = float(ndtr(stdtrit(freedom, (1 - confidence) / 2)))
        quantile = np.quantile if kept[:, known].all() else np.nanquantile
        ends[:, known] = quantile(resampled[:, known], [tail, 1 - tail], axis=0)
    return ends[0], ends[1]


def known(low: float, high: float) -> Interval:
    """One interval of what ``intervals`` gives: two Nones in place of NaN."""
    return (float(low), float(high)) if np.isfinite(low) else (None, None)
