"""How far two reviewers agree: raw agreement, and Cohen's kappa with the asymptotic interval of Fleiss, Cohen and Everitt (Psychological Bulletin 72, 1969)."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from unicedit.review.decision import DECISIONS, Decision, latest
from unicedit.tables.interval import Interval, quantile, wilson

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two reviewers over the ``n`` things that both decided, each without sight of the other.

    ``counts`` are (3, 3), the first reviewer's accept, reject, correct by the second's. ``kappa`` is None where all is one decision, its interval where it has no spread.
    ``texts`` counts things that both corrected, ``same_texts`` those of them with the same words.
    """

    reviewers: tuple[str, str]
    n: int
    agreed: int
    agreed_interval: Interval
    kappa: float | None
    kappa_interval: Interval
    counts: tuple[tuple[int, ...], ...]
    texts: int
    same_texts: int


def agreements(decisions: Iterable[Decision]) -> list[Agreement]:
    """Every pair of reviewers with things in common; give it only decisions that are not stale. Those that settle others' do not count: they were made in sight of them."""
    said: dict[str, dict[str, Decision]] = {}
    for (key, reviewer), one in latest(one for one in decisions if not one.settles).items():
        said.setdefault(reviewer, {})[key] = one
    pairs = combinations(sorted(said), 2)
    return [_agreement(first, second, said) for first, second in pairs if said[first].keys() & said[second].keys()]


def _agreement(first: str, second: str, said: dict[str, dict[str, Decision]]) -> Agreement:
    both = [(said[first][key], said[second][key]) for key in sorted(said[first].keys() & said[second].keys())]
    counts = np.zeros((len(DECISIONS), len(DECISIONS)), dtype=int)
    for one, other in both:
        counts[DECISIONS.index(one.decision), DECISIONS.index(other.decision)] += 1
    kappa, interval = kappa_of(counts)
    corrected = [(one, other) for one, other in both if one.texts and other.texts]
    agreed = int(counts.trace())
    return Agreement(
        reviewers=(first, second),
        n=len(both),
        agreed=agreed,
        agreed_interval=wilson(agreed, len(both), CONFIDENCE),
        kappa=kappa,
        kappa_interval=interval,
        counts=tuple(tuple(int(number) for number in row) for row in counts),
        texts=len(corrected),
        same_texts=sum(one.texts == other.texts for one, other in corrected),
    )


def kappa_of(counts: ArrayLike, confidence: float = CONFIDENCE) -> tuple[float | None, Interval]:
    """Cohen's kappa of (k, k) counts, the first reviewer's category by the second's, and its interval.

    None where chance alone would agree always (all in one category, or nothing counted). The interval is two Nones where the variance is 0, as in perfect agreement:
    no spread is known then.
    """
    table = np.asarray(counts, dtype=float)
    n = table.sum()
    if n == 0:
        return None, (None, None)
    shares = table / n
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    observed, chance = shares.trace(), rows @ columns
    if chance > 1 - 1e-12:
        return None, (None, None)
    kappa = (observed - chance) / (1 - chance)
    weights = columns[:, None] + rows[None, :]  # of cell (i, j): how often the second says i and the first j
    diagonal = (np.diag(shares) * (1 - (rows + columns) * (1 - kappa)) ** 2).sum()
    off = (1 - kappa) ** 2 * ((shares * weights**2).sum() - (np.diag(shares) * np.diag(weights) ** 2).sum())
    variance = (diagonal + off - (kappa - chance * (1 - kappa)) ** 2) / (n * (1 - chance) ** 2)
    if variance < 1e-12:
        return float(kappa), (None, None)
    half = quantile(confidence) * math.sqrt(variance)
    return float(kappa), (max(-1.0, float(kappa) - half), min(1.0, float(kappa) + half))


def lines_of(found: Sequence[Agreement]) -> list[str]:
    """The agreements as lines to read."""
    lines = []
    for one in found:
        first, second = one.reviewers
        kappa = "no kappa: all is one decision" if one.kappa is None else f"kappa {one.kappa:.3f}{_around(one.kappa_interval)}"
        lines.append(f"{first}, {second}: {one.agreed} of {one.n} agree, {one.agreed / one.n:.3f}{_around(one.agreed_interval)}; {kappa}")
        for row, name in enumerate(DECISIONS):
            for column, other in enumerate(DECISIONS):
                if row != column and one.counts[row][column]:
                    lines.append(f"  {first} {name}, {second} {other}: {one.counts[row][column]}")
        if one.texts:
            lines.append(f"  both correct: {one.texts}, with the same words {one.same_texts}")
    return lines


def _around(interval: Interval) -> str:
    low, high = interval
    return " (no interval: nothing varies)" if low is None or high is None else f" ({low:.3f} to {high:.3f})"
