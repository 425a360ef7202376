"""How well a judge agrees with people: Spearman's correlation within each editing model, then one mean over the models.

Two means. ``fisher``: Fisher's, tanh of the mean of artanh(rho). ``published``: what the code behind the figures published with VIEScore does, which
omits the artanh, tanh of the mean of rho, and cuts sub-scores to whole numbers first. It is lower (0.41 where Fisher's is 0.45), and only figures made alike may
be compared.
"""

import csv
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unicedit.errors import PipelineError
from unicedit.files import appearing_whole
from unicedit.scoring.ratings import Edit, Rating, read_ratings, read_scores
from unicedit.scoring.resample import intervals, known
from unicedit.scoring.viescore import METRICS, OVERALL, PQ, SC, SUBSCORES, Viescore, viescore
from unicedit.tables.interval import Interval

log = logging.getLogger(__name__)
Floats = NDArray[np.float64]
PUBLISHED, FISHER = "published", "fisher"
MEANS = (PUBLISHED, FISHER)


@dataclass(frozen=True)
class How:
    """How to compare: which mean over models, whether lists that are too short count, and the bootstrap of the interval."""

    mean: str = PUBLISHED
    use_incomplete: bool = True
    resamples: int = 2000
    seed: int = 0
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class Correlation:
    """A metric's correlation with its interval; None where none is defined. ``n_scored`` of the ``n_expected`` edits that people rated have a judge's score.

    ``incomplete`` edits rest on a list with fewer sub-scores than it should have.
    """

    metric: str
    spearman: float | None
    ci_low: float | None
    ci_high: float | None
    n_scored: int
    n_expected: int
    incomplete: int


def judge_check(scores: Path, ratings: Path, out: Path, how: How) -> list[Correlation]:
    """Compare a judge's file with people's and write ``out`` as CSV."""
    found = compare(read_scores(scores), read_ratings(ratings), how)
    with appearing_whole(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([field.name for field in fields(Correlation)])
        for one in found:
            writer.writerow(["" if value is None else f"{value:.6f}" if isinstance(value, float) else value for value in astuple(one)])
    return found


def compare(scores: Mapping[Edit, Mapping[str, Sequence[float]]], ratings: Mapping[Edit, Sequence[Rating]], how: How) -> list[Correlation]:
    """The correlation of each metric over the edits that people rated of the models that the judge scored.

    The interval is the percentile bootstrap's over uids, drawn alike for all models. Raises ``PipelineError`` where no edit was both scored and rated.
    """
    judged = list(dict.fromkeys(model for model, _ in scores))
    rated = {model for model, _ in ratings}
    strangers = [model for model in judged if model not in rated]
    if strangers:
        raise PipelineError(f"the judge scored model {strangers[0]!r}, of which there are no ratings; rated are {', '.join(sorted(rated))}")
    unrated = [edit for edit in scores if edit not in ratings]
    if len(unrated) == len(scores):
        raise PipelineError(
            f"no edit was both scored and rated: the judge's uids look like {unrated[0][1]!r}, people's like {next(iter(ratings))[1]!r}"
        )
    if unrated:
        log.warning("%d edits that the judge scored have no rating and are left out, the first is %s", len(unrated), " ".join(unrated[0]))
    fractions = sum(score % 1 > 0 for lists in scores.values() for given in lists.values() for score in given)
    if fractions and how.mean == PUBLISHED:
        log.warning("%d sub-scores have fractions, which the published reading cuts off; --mean fisher keeps them", fractions)
    if others := sorted(rated - set(judged)):
        log.warning("rated models that the judge did not score are left out: %s", ", ".join(others))
    uids = sorted({uid for model, uid in ratings if model in judged})
    expected = [(model, uid) for model in judged for uid in uids if (model, uid) in ratings]
    of_judge = {edit: scores.get(edit, {}) for edit in expected}
    return [_correlation(metric, judged, uids, of_judge, ratings, how) for metric in METRICS]


def _correlation(
    metric: str,
    models: list[str],
    uids: list[str],
    judged: Mapping[Edit, Mapping[str, Sequence[float]]],
    ratings: Mapping[Edit, Sequence[Rating]],
    how: How,
) -> Correlation:
    machine, people = np.full((2, len(models), len(uids)), np.inf)  # infinite on both sides: not scored
    row, column = ({name: number for number, name in enumerate(names)} for names in (models, uids))
    for edit, lists in judged.items():
        score = _viescore(lists, how).get(metric)
        if score is not None:
            place = row[edit[0]], column[edit[1]]
            machine[place] = round(score, 9)  # so that equal products have equal roots: a tie
            people[place] = round(sum(_rated(rating, metric) for rating in ratings[edit]) / len(ratings[edit]), 9)
    by_model = _spearman(machine, people)
    for model in np.array(models)[np.isnan(by_model)]:
        log.warning(
            "%s of %s: no correlation is defined (fewer than two scored edits, or all alike); it is left out of the mean", metric, model
        )
    mean = float(mean_over_models(by_model, how.mean))
    incomplete = sum(_is_short(lists, metric) for lists in judged.values())
    return Correlation(
        metric,
        None if math.isnan(mean) else mean,
        *_interval(machine, people, how),
        int(np.isfinite(machine).sum()),
        len(judged),
        incomplete,
    )


def _viescore(lists: Mapping[str, Sequence[float]], how: How) -> Viescore:
    sc, pq = ([float(int(score)) if how.mean == PUBLISHED else score for score in lists.get(metric, ())] for metric in (SC, PQ))
    return viescore(sc, pq, how.use_incomplete)


def _is_short(lists: Mapping[str, Sequence[float]], metric: str) -> bool:
    of = (SC, PQ) if metric == OVERALL else (metric,)
    return any(name in lists and len(lists[name]) < SUBSCORES[name] for name in of)


def _rated(rating: Rating, metric: str) -> float:
    return {SC: rating.sc, PQ: rating.pq, OVERALL: math.sqrt(rating.sc * rating.pq)}[metric]


def _spearman(first: Floats, second: Floats) -> Floats:
    """Spearman's rho along the last axis, (..., n) to (...). Both are infinite where nothing was scored; NaN where a side does not vary."""
    from scipy.stats import rankdata

    there = np.isfinite(first)
    count = np.maximum(there.sum(axis=-1), 1)
    # the infinite ones rank above all others, so the others' ranks are those among themselves
    ranks = [np.where(there, rankdata(side, axis=-1), 0.0) for side in (first, second)]
    one, other = (np.where(there, rank - rank.sum(axis=-1, keepdims=True) / count[..., None], 0.0) for rank in ranks)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((one * other).sum(axis=-1) / np.sqrt((one**2).sum(axis=-1) * (other**2).sum(axis=-1)))


def mean_over_models(by_model: Floats, kind: str) -> Floats:
    """One correlation of those of the models, (models, ...) to (...); undefined ones are left out, NaN where all are."""
    defined = np.isfinite(by_model)
    z = np.where(defined, by_model if kind == PUBLISHED else np.arctanh(np.clip(by_model, -1 + 1e-12, 1 - 1e-12)), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.tanh(z.sum(axis=0) / defined.sum(axis=0)))


def _interval(machine: Floats, people: Floats, how: How) -> Interval:
    """The bootstrap interval of the mean correlation; two Nones where it is unknown."""
    from scipy.stats import bootstrap

    uids = machine.shape[1]

    def statistic(drawn: NDArray[np.intp], axis: int = -1) -> Floats:
        by_model = [_spearman(one[drawn], other[drawn]) for one, other in zip(machine, people, strict=True)]
        return mean_over_models(np.stack(by_model), how.mean)

    if uids < 2 or np.isnan(statistic(np.arange(uids))):
        return None, None
    random = np.random.Generator(np.random.PCG64(how.seed))
    drawn = bootstrap((np.arange(uids),), statistic, n_resamples=how.resamples, batch=500, vectorized=True, method="percentile", rng=random)
    low, high = intervals(drawn.bootstrap_distribution[:, None], uids - 1, how.confidence)
    return known(low[0], high[0])
