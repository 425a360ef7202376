"""What becomes of a judge's scores of one edit, by the formulas of a benchmark's publishers; a mapping names one (config/benchmarks)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from unicedit.scoring import imgedit, kris, viescore

Values = Callable[[Mapping[str, Sequence[float]]], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Formula:
    """``values`` makes an edit's metrics from its scores by question, without those that cannot be known. ``metrics``: all there are, the last of them the overall one,
    whose least value is ``lowest``; ``owed``: those that edits of a group have.
    """

    metrics: tuple[str, ...]
    lowest: float
    values: Values
    owed: Callable[[str], tuple[str, ...]]

    @property
    def overall(self) -> str:
        """The metric that is compared."""
        return self.metrics[-1]


def viescores(given: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """SC, PQ and Overall of one edit."""
    one = viescore.viescore(given.get(viescore.SC, ()), given.get(viescore.PQ, ()))
    return {metric: value for metric in viescore.METRICS if (value := one.get(metric)) is not None}


FORMULAS = {
    "viescore": Formula(viescore.METRICS, 0.0, viescores, lambda _: viescore.METRICS),
    "imgedit": Formula(imgedit.METRICS, imgedit.LOWEST, imgedit.values, lambda _: imgedit.METRICS),
    "kris": Formula(kris.METRICS, kris.LOWEST, kris.values, kris.owed),
}
