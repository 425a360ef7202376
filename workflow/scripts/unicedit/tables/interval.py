"""Intervals: what decides how sure a figure is, in one place."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float | None, float | None]


@dataclass
class Ratio:
    """A ratio sum(y) / sum(x) over clusters, with a linearised (Taylor) variance.

    Each cluster is a source image, for what comes of one image hangs together; the images are taken as a sample of all of their
    kind. Added to shard by shard, it keeps six sums.
    """

    clusters: int = 0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    xy: float = 0.0
    yy: float = 0.0

    def add(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        """Add clusters: ``x`` and ``y`` are (n,) counts before and after. Clusters with x of 0 are not part of the ratio."""
        there = x > 0
        if (y[~there] != 0).any():
            raise ValueError("rows after a stage belong to a cluster that had none before it")
        x, y = x[there], y[there]
        self.clusters += len(x)
        self.x += float(x.sum())
        self.y += float(y.sum())
        self.xx += float((x * x).sum())
        self.xy += float((x * y).sum())
        self.yy += float((y * y).sum())

    @property
    def value(self) -> float | None:
        """The ratio; None without any cluster."""
        return self.y / self.x if self.x else None

    def variance(self) -> float:
        """The linearised variance of the ratio; 0 when no cluster differs from another. Needs two clusters."""
        ratio = self.y / self.x
        residual = self.yy - 2 * ratio * self.xy + ratio * ratio * self.xx
        if residual <= 1e-9 * max(1.0, self.yy):
            return 0.0
        return self.clusters / (self.clusters - 1) * residual / self.x**2

    def interval(self, confidence: float) -> Interval:
        """Student's interval of the ratio. Two Nones with fewer than two clusters, or where none differs: no spread is known then."""
        if self.clusters < 2 or self.variance() == 0:
            return None, None
        half = quantile(confidence, self.clusters - 1) * math.sqrt(self.variance())
        return self.y / self.x - half, self.y / self.x + half

    def share_interval(self, confidence: float) -> Interval:
        """The interval of a ratio that is a share (y is part of x): Wilson's, for as many independent rows as have the same variance.

        It stays within 0 and 1, near them too. Where no image differs from another, each counts as one row. Two Nones with fewer than two
        clusters.
        """
        if self.clusters < 2:
            return None, None
        share, variance = self.y / self.x, self.variance()
        rows = min(self.x, share * (1 - share) / variance) if variance > 0 else self.clusters
        return wilson_of_share(share, rows, quantile(confidence, self.clusters - 1))


def quantile(confidence: float, freedom: float = math.inf) -> float:
    """The half-width, in standard errors, of a two-sided interval: Student's with ``freedom`` degrees, the normal one without."""
    from scipy.special import ndtri, stdtrit  # scipy.stats computes with the same two, and takes a second to load

    return float(ndtri(0.5 + confidence / 2) if math.isinf(freedom) else stdtrit(freedom, 0.5 + confidence / 2))


def wilson_of_share(share: float, n: float, errors: float) -> tuple[float, float]:
    """Wilson's interval of a share over ``n`` rows (not necessarily whole), ``errors`` standard errors wide on each side (``quantile``)."""
    square = errors * errors
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = errors * math.sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def wilson(hits: int, n: int, confidence: float) -> Interval:
    """Wilson's interval of a proportion of independent cases; two Nones where n is 0."""
    if n == 0:
        return None, None
    return wilson_of_share(hits / n, n, quantile(confidence))
