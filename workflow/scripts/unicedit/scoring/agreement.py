"""Agreement between judges: Krippendorff's alpha for scores at interval level (Krippendorff, Content Analysis, chapter 12).

1 is perfect agreement, 0 what judges without any relation would give. A score missing from one judge leaves the others' comparable.
"""

from dataclasses import dataclass

import numpy as np

from unicedit.scoring.cube import Cube, Floats
from unicedit.scoring.resample import Draws, intervals, known
from unicedit.scoring.values import COLUMNS, Values


@dataclass(frozen=True, slots=True)
class Agreement:
    """Alpha of several judges on one metric, with its interval; ``n`` units of ``expected`` were scored by at least two of them. A unit is an edit."""

    judges: tuple[str, ...]
    language: str
    metric: str
    alpha: float | None
    ci_low: float | None
    ci_high: float | None
    n: int
    expected: int


def alpha_interval(scores: Floats) -> float | None:
    """Krippendorff's alpha of (judges, units) scores, NaN where missing. None without two differing scores in units that two judges scored."""
    found = _alpha(_parts(scores).sum(axis=0)[None])[0]
    return None if np.isnan(found) else float(found)


def agreement(cube: Cube, values: Values, draws: Draws, confidence: float) -> list[Agreement]:
    """Alpha of all judges together by language and metric, over every model's edits; empty where one judge judged."""
    if len(cube.judges) < 2:
        return []
    found = []
    for language in cube.languages:
        (members,) = np.nonzero(cube.language == language)
        for column, metric in enumerate(COLUMNS):
            seen = values.seen[:, :, members, column]
            expected = int(np.isfinite(values.low[:, :, members, column]).any(axis=0).sum())
            if not expected:
                continue
            models = seen.shape[1]
            parts = _parts(seen.reshape(len(cube.judges), -1))
            clusters = np.zeros((len(cube.sources), parts.shape[1]))
            np.add.at(clusters, np.tile(cube.source[members], models), parts)
            low, high = intervals(_alpha(draws.weights @ clusters)[:, None], draws.freedom(members), confidence)
            alpha = _alpha(parts.sum(axis=0)[None])[0]
            around = known(low[0], high[0])
            n = int((np.isfinite(seen).sum(axis=0) >= 2).sum())
            found.append(Agreement(tuple(cube.judges), language, metric, None if np.isnan(alpha) else float(alpha), *around, n, expected))
    return found


def _parts(scores: Floats) -> Floats:
    """What alpha is made of, by unit, (units, 4): how many scores, disagreement within, sum, sum of squares; zeros for a unit with fewer than two scores."""
    there = np.isfinite(scores)
    count = there.sum(axis=0)
    paired = count >= 2
    filled = np.where(there, scores, 0.0)
    total, squares = filled.sum(axis=0), (filled**2).sum(axis=0)
    # squared distances from the unit's own mean: the difference of two large sums would leave a residue where all agree
    mean = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
    within = np.where(there, (scores - mean) ** 2, 0.0).sum(axis=0)
    observed = np.divide(count * within, count - 1, out=np.zeros_like(total), where=paired)
    return np.where(paired[:, None], np.stack([count, observed, total, squares], axis=1), 0.0)


def _alpha(sums: Floats) -> Floats:
    """Alpha of summed parts, (n, 4) to (n,); NaN where all scores are the same."""
    count, observed, total, squares = sums.T
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = squares - total**2 / count
        expected = np.where(spread > 1e-9 * squares, spread / (count - 1), np.nan)
        return np.asarray(1 - observed / count / expected)
