"""VIEScore: semantic consistency (SC) and perceptual quality (PQ) of an edit from a judge's lists of sub-scores (paper, section on Table 2)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from unicedit.scoring.schema import HIGHEST

SC, PQ, OVERALL = "SC", "PQ", "Overall"
METRICS = (SC, PQ, OVERALL)
# SC: instruction followed, not overedited. PQ: naturalness, artifacts
SUBSCORES = {SC: 2, PQ: 2}


@dataclass(frozen=True, slots=True)
class Viescore:
    """One edit's scores, 0 to 10; None where the judge gave no sub-score. ``incomplete`` names the metrics whose list is shorter than it should be."""

    sc: float | None
    pq: float | None
    incomplete: frozenset[str]

    @property
    def overall(self) -> float | None:
        """sqrt(SC * PQ); None where one of them is missing."""
        return None if self.sc is None or self.pq is None else math.sqrt(self.sc * self.pq)

    def get(self, metric: str) -> float | None:
        """SC, PQ or Overall."""
        return {SC: self.sc, PQ: self.pq, OVERALL: self.overall}[metric]


def viescore(sc: Sequence[float], pq: Sequence[float], use_incomplete: bool = True) -> Viescore:
    """SC and PQ are each the least of their list. A list that is too short gives the least of what is there, or nothing where it is not to be used.

    Raises ``ValueError`` for a sub-score outside 0..10 and for too many of them.
    """
    lists = {SC: sc, PQ: pq}
    incomplete = frozenset(metric for metric, scores in lists.items() if len(scores) < SUBSCORES[metric])
    least = {
        metric: min(checked(metric, scores), default=None) if use_incomplete or metric not in incomplete else None
        for metric, scores in lists.items()
    }
    return Viescore(least[SC], least[PQ], incomplete)


def checked(metric: str, scores: Sequence[float]) -> list[float]:
    """A metric's sub-scores as floats. Raises ``ValueError`` where there are too many or one is not from 0 to 10."""
    if len(scores) > SUBSCORES[metric]:
        raise ValueError(f"{metric} has {SUBSCORES[metric]} sub-scores, not {len(scores)}")
    for score in scores:
        if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= HIGHEST:
            raise ValueError(f"a sub-score is a number from 0 to {HIGHEST:g}, not {score!r}")
    return [float(score) for score in scores]
