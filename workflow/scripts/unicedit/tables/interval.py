"""Intervals: what decides how sure a figure is, in one place."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass
class Ratio:
    """A ratio sum(y) / sum(x) over clusters, with a linearised (Taylor) variance: each cluster is a source image, for what comes of one image hangs together.

    Added to shard by shard, it keeps six sums. The clusters are taken as a sample of all images of their kind.
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

    def interval(self, confidence: float) -> tuple[float | None, float | None]:
        """Student's interval of the ratio. Two Nones with fewer than two clusters, or when no cluster differs from another: then the sample tells nothing of the spread."""
        ratio = self.value
        if ratio is None or self.clusters < 2:
            return None, None
        residual = self.yy - 2 * ratio * self.xy + ratio * ratio * self.xx
        if residual <= 1e-9 * max(1.0, self.yy):
            return None, None
        error = math.sqrt(self.clusters / (self.clusters - 1) * residual) / self.x
        from scipy.stats import t

        half = float(t.ppf(0.5 + confidence / 2, self.clusters - 1)) * error
        return ratio - half, ratio + half


def wilson(hits: int, n: int, confidence: float) -> tuple[float | None, float | None]:
    """Wilson's interval of a proportion; two Nones where n is 0."""
    if n == 0:
        return None, None
    from scipy.stats import binomtest

    found = binomtest(hits, n).proportion_ci(confidence, method="wilson")
    return float(found.low), float(found.high)
