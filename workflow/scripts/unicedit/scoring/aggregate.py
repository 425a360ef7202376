"""Means by model, language, task and sub-task, with their coverage, intervals and bounds."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from unicedit.scoring.cube import Bools, Cube, Floats, Ints
from unicedit.scoring.resample import Draws, intervals, known
from unicedit.scoring.schema import OVERALL
from unicedit.scoring.values import COLUMNS, Values
from unicedit.tables.interval import Interval

BOTH = "both"  # all languages together, clustered by source
ALL, TASK, SUBTASK = "all", "task", "subtask"


@dataclass(frozen=True, slots=True)
class Mean:
    """One mean, 0 to 10. ``group`` names what ``level`` (all, task, subtask) it is of.

    ``left_out`` is the mean of the ``n`` samples that were scored (None where none was), ``ci_low`` and ``ci_high`` its interval; ``zero`` the mean of all
    ``expected`` samples with a missing score as 0, which is also the lower bound of the true mean; ``upper`` the same with 10. ``failed`` judgements
    have a row that says why, ``absent`` ones have none.
    """

    judge: str
    model: str
    language: str
    level: str
    group: str
    metric: str
    left_out: float | None
    ci_low: float | None
    ci_high: float | None
    zero: float
    upper: float
    n: int
    expected: int
    failed: int
    absent: int


@dataclass(frozen=True, slots=True)
class Group:
    """Samples whose mean is shown."""

    language: str
    level: str
    name: str
    members: Ints


def groups_of(cube: Cube) -> list[Group]:
    """All samples, each task and each sub-task, by language and over both."""
    languages = cube.languages
    found = []
    for language in [*languages, BOTH] if len(languages) > 1 else languages:
        spoken = np.ones(len(cube.keys), dtype=bool) if language == BOTH else cube.language == language
        kinds = [(ALL, ALL, spoken)]
        kinds += [(TASK, name, spoken & (cube.task == number)) for number, name in enumerate(cube.tasks)]
        kinds += [(SUBTASK, name, spoken & (cube.subtask == number)) for number, name in enumerate(cube.subtasks)]
        found += [Group(language, level, name, np.flatnonzero(members)) for level, name, members in kinds if members.any()]
    return found


def aggregate(cube: Cube, values: Values, draws: Draws, confidence: float) -> list[Mean]:
    """Every mean there is: judges, then models, languages, levels, groups and metrics, in the cube's order."""
    found: dict[tuple[int, int], list[Mean]] = {}
    for group in groups_of(cube):
        spread = resampled(values.seen[:, :, group.members], draws, group.members)
        low, high = intervals(spread, draws.freedom(group.members), confidence)
        for judge, model in judged_in(cube, group.members):
            found.setdefault((judge, model), []).extend(
                _mean(cube, values, group, (judge, model, column), known(low[judge, model, column], high[judge, model, column]))
                for column in _columns(cube, group)
            )
    return [one for place in sorted(found) for one in found[place]]


def judged_in(cube: Cube, members: Ints) -> Iterator[tuple[int, int]]:
    """Numbers of the judges and models that have judgements in every language of these samples."""
    there = cube.judged[:, :, members].all(axis=2)
    yield from ((int(judge), int(model)) for judge, model in np.argwhere(there))


def _columns(cube: Cube, group: Group) -> list[int]:
    asked = np.append(cube.asked[group.members].any(axis=0), True)
    return [number for number in range(len(COLUMNS)) if asked[number]]


def _mean(cube: Cube, values: Values, group: Group, of: tuple[int, int, int], around: Interval) -> Mean:
    judge, model, column = of
    place = (judge, model, group.members, column)
    seen, low, high = values.seen[place], values.low[place], values.high[place]
    scored, expected = np.isfinite(seen), np.isfinite(low)
    failed, absent = _missing(cube, group.members, judge, model, column)
    names = (cube.judges[judge], cube.models[model], group.language, group.level, group.name, COLUMNS[column])
    left_out = float(seen[scored].mean()) if scored.any() else None
    bounds = (float(low[expected].mean()), float(high[expected].mean()))
    return Mean(*names, left_out, *around, *bounds, int(scored.sum()), int(expected.sum()), failed, absent)


def _missing(cube: Cube, members: Ints, judge: int, model: int, column: int) -> tuple[int, int]:
    """Judgements that failed, and that have no row, behind a column: its metric's, or all for the overall."""
    metrics = slice(None) if COLUMNS[column] == OVERALL else slice(column, column + 1)
    gone = np.isnan(cube.scores[judge, model, members][:, metrics]).sum(axis=-1)
    asked: Bools = cube.asked[members][:, metrics]
    failed = int(cube.failed[judge, model, members][:, metrics].sum())
    return failed, int(gone[asked].sum()) - failed


def resampled(seen: Floats, draws: Draws, members: Ints) -> Floats:
    """Resampled means (resamples, judges, models, columns) of values (judges, models, members, columns), left out where missing."""
    clusters, place = np.unique(draws.cluster[members], return_inverse=True)
    judges, models, _, columns = seen.shape
    flat = np.moveaxis(seen, 2, 0).reshape(len(members), -1)
    there = np.isfinite(flat)
    totals, counts = np.zeros((2, len(clusters), flat.shape[1]))
    np.add.at(totals, place, np.where(there, flat, 0.0))
    np.add.at(counts, place, there.astype(np.float64))
    weights = draws.weights[:, clusters]
    with np.errstate(invalid="ignore", divide="ignore"):  # a draw without any scored sample has no mean
        return np.asarray((weights @ totals) / (weights @ counts)).reshape(-1, judges, models, columns)


def ranking(means: list[Mean], judge: str, language: str, policy: str = "left_out") -> list[str]:
    """Models by their overall under a policy (``left_out`` or ``zero``), best first, ties by name; a model without a scored sample is last."""
    rows = [one for one in means if (one.judge, one.language, one.level, one.metric) == (judge, language, ALL, OVERALL)]
    value = {one.model: one.left_out if policy == "left_out" else one.zero for one in rows}
    return sorted(value, key=lambda name: (-(found if (found := value[name]) is not None else -1.0), name))


def ranking_warnings(means: list[Mean]) -> list[str]:
    """One sentence for each judge and language whose ranking depends on how missing samples are treated."""
    said = []
    for judge, language in dict.fromkeys((one.judge, one.language) for one in means):
        first, second = ranking(means, judge, language), ranking(means, judge, language, "zero")
        moved = [name for name, other in zip(first, second, strict=True) if name != other]
        if moved:
            said.append(
                f"{judge}, {language}: the ranking of {', '.join(moved)} depends on missing scores (left out: {' > '.join(first)}; as zero: {' > '.join(second)})"
            )
    return said
