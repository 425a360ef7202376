"""How sure a mean over seeds and samples is, and whether two verifiers differ by more than noise.

Every seed is measured on the same samples, so the figures form a table of seeds by samples, and both are drawn by chance: another training run would have given
another row, another test split other columns. The variance of the overall mean is that of a crossed design with random rows and columns,
(MS_seeds + MS_samples - MS_rest) / (seeds x samples), with Satterthwaite's degrees of freedom; it is never taken to be smaller than either part alone.
With one seed the samples alone count, and the interval says nothing about another training run.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unicedit.tables.interval import Interval, quantile, wilson_of_share

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean over ``seeds`` x ``samples``, the variance of that mean, and its degrees of freedom."""

    mean: float
    variance: float
    freedom: float
    seeds: int
    samples: int


def spread(values: Values) -> Spread:
    """The mean of (seeds, samples) values and how sure it is. Needs one seed and one sample; the variance is 0 where no value differs."""
    seeds, samples = values.shape
    mean = float(values.mean())
    if samples == 1:
        return Spread(mean, 0.0, 1, seeds, samples)
    by_seed, by_sample = values.mean(axis=1), values.mean(axis=0)
    of_samples = seeds * float(((by_sample - mean) ** 2).sum()) / (samples - 1)
    if seeds == 1:
        return Spread(mean, of_samples / samples, samples - 1, seeds, samples)
    of_seeds = samples * float(((by_seed - mean) ** 2).sum()) / (seeds - 1)
    rest = values - by_seed[:, None] - by_sample[None, :] + mean
    of_rest = float((rest**2).sum()) / ((seeds - 1) * (samples - 1))
    total = max(of_seeds + of_samples - of_rest, of_seeds, of_samples)
    if total <= 1e-15:
        return Spread(mean, 0.0, seeds - 1, seeds, samples)
    uncertain = of_seeds**2 / (seeds - 1) + of_samples**2 / (samples - 1) + of_rest**2 / ((seeds - 1) * (samples - 1))
    return Spread(mean, total / (seeds * samples), max(total**2 / uncertain, 1.0), seeds, samples)


def interval(values: Values, confidence: float, highest: float) -> Interval:
    """The interval of the mean of (seeds, samples) values from 0 to ``highest``.

    Where every value is one of the two ends, the mean is a share, and the interval Wilson's, for as many independent rows as have the same variance; with
    one seed that is Wilson's own. Otherwise Student's, cut at the ends. Two Nones without a sample.
    """
    if values.size == 0:
        return None, None
    found = spread(values)
    if np.isin(values, (0.0, highest)).all():
        share = found.mean / highest
        binary = share * (1 - share)
        rows, freedom = float(found.samples), math.inf
        if found.seeds > 1 and found.variance > 0:
            rows, freedom = min(binary * highest**2 / found.variance, found.seeds * found.samples), found.freedom
        low, high = wilson_of_share(share, rows, quantile(confidence, freedom))
        return highest * low, highest * high
    if found.samples < 2:
        return None, None
    half = quantile(confidence, found.freedom) * math.sqrt(found.variance)
    return max(0.0, found.mean - half), min(highest, found.mean + half)


def difference(ours: Values, theirs: Values, confidence: float) -> tuple[float, Interval, float]:
    """The mean difference of two verifiers on the same samples, its interval, and the p-value of its being 0 (two-sided).

    A verifier without seeds, (1, samples), is set against every seed of the other. With one seed each, values of two ends are compared by McNemar's exact
    test. ``ValueError`` for other shapes.
    """
    if (
        ours.shape[1] != theirs.shape[1]
        or not ours.size
        or (ours.shape[0] != theirs.shape[0] and 1 not in (ours.shape[0], theirs.shape[0]))
    ):
        raise ValueError(f"{ours.shape} and {theirs.shape} are not of the same seeds and samples")
    gap = ours - theirs  # (1, n) spreads over (k, n)
    found = spread(gap)
    half = quantile(confidence, found.freedom) * math.sqrt(found.variance)
    around = (found.mean - half, found.mean + half) if found.variance > 0 else (None, None)
    if gap.shape[0] == 1 and len(np.unique(np.concatenate([ours, theirs], axis=None))) <= 2:
        return found.mean, around, _sign_test(int((gap > 0).sum()), int((gap < 0).sum()))
    if found.variance == 0:  # every sample and seed says the same
        same = gap.mean(axis=0)
        return found.mean, around, _sign_test(int((same > 0).sum()), int((same < 0).sum()))
    return found.mean, around, _tail(abs(found.mean) / math.sqrt(found.variance), found.freedom)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's corrected p-values (Holm 1979), in the order given: below a level, all of them together err with at most that probability."""
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = highest
    return corrected


def _sign_test(above: int, below: int) -> float:
    from scipy.stats import binomtest

    return float(binomtest(above, above + below).pvalue) if above + below else 1.0


def _tail(distance: float, freedom: float) -> float:
    from scipy.special import ndtr, stdtr

    return float(2 * (ndtr(-distance) if math.isinf(freedom) else stdtr(freedom, -distance)))
