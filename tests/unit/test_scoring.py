"""Aggregation of judgements: means, coverage, bounds, intervals."""

import csv
import math
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from made_judgements import Row, rows, table, truth
from unicedit.errors import PipelineError
from unicedit.scoring.aggregate import BOTH, Mean, aggregate, ranking, ranking_warnings
from unicedit.scoring.cube import cube_of
from unicedit.scoring.resample import draws_of, intervals
from unicedit.scoring.schema import HIGHEST, METRICS, OVERALL, SAMPLES
from unicedit.scoring.values import COLUMNS, values_of

PAPER = Path(__file__).parents[2] / "config" / "paper" / "table4_unicbench.csv"


def means(made: list[Row], resamples: int = 50, repeats: int | None = None, samples: pa.Table | None = None) -> list[Mean]:
    cube = cube_of(table(made), samples, repeats)
    return aggregate(cube, values_of(cube), draws_of(cube, resamples, 0), 0.95)


def find(
    found: list[Mean], metric: str = OVERALL, model: str = "model-00", language: str = "en", level: str = "all", group: str = "all"
) -> Mean:
    (one,) = [m for m in found if (m.metric, m.model, m.language, m.level, m.group) == (metric, model, language, level, group)]
    return one


def by_hand(made: list[Row], model: str, language: str) -> float | None:
    """The mean of per-sample geometric means, written out once more and plainly."""
    samples: dict[object, list[float | None]] = {}
    for row in made:
        if (row["model"], row["language"]) == (model, language):
            samples.setdefault((row["key"], row["repeat"]), []).append(row["score"])  # type: ignore[arg-type]
    by_key: dict[object, list[float]] = {}
    for (key, _), scores in samples.items():  # type: ignore[misc]
        if None not in scores:
            by_key.setdefault(key, []).append(math.prod(scores) ** (1 / len(scores)))  # type: ignore[arg-type]
    each = [sum(values) / len(values) for values in by_key.values()]
    return sum(each) / len(each) if each else None


SCORES = st.lists(st.one_of(st.none(), st.integers(0, 10)), min_size=160, max_size=160)


@given(SCORES, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_overall_is_the_mean_of_geometric_means_whatever_the_order_of_rows(scores: list[int | None], random: Random) -> None:
    given_scores = iter(scores)
    made = rows(lambda *_: next(given_scores), samples=2, repeats=2)
    found = means(made, resamples=5)
    shuffled = list(made)
    random.shuffle(shuffled)
    assert means(shuffled, resamples=5) == found
    for model in ("model-00", "model-01"):
        for language in ("en", "cn"):
            one = find(found, model=model, language=language)
            assert one.left_out == pytest.approx(by_hand(made, model, language), abs=1e-12)
            assert one.zero <= one.upper
            assert one.left_out is None or one.zero <= one.left_out + 1e-12
            assert one.failed == sum(row["score"] is None for row in made if (row["model"], row["language"]) == (model, language))


@given(st.lists(st.lists(st.integers(0, 10), min_size=3, max_size=3), min_size=2, max_size=30))
@settings(max_examples=200, deadline=None)
def test_overall_is_never_the_geometric_mean_of_column_means(scores: list[list[int]]) -> None:
    """By Hölder's inequality it is smaller, unless the columns are proportional to each other, when the two are one number."""
    made = rows(lambda _m, subtask, sample, _l, metric, _r: scores[sample][metric] if subtask == 0 else None, 1, 2, len(scores), ["en"])
    found = means(made, resamples=2)
    column = [find(found, metric, level="subtask", group="subtask-00").left_out or 0.0 for metric in METRICS[:3]]
    of_columns = math.prod(column) ** (1 / 3)
    mean = find(found, level="subtask", group="subtask-00").left_out
    assert mean is not None
    proportional = 0 in column or np.linalg.matrix_rank(np.array(scores, dtype=float)) == 1
    if proportional:
        assert mean == pytest.approx(of_columns, abs=1e-9)
    else:
        assert mean < of_columns - 1e-9


def test_the_paper_prints_the_mean_of_geometric_means_too() -> None:
    """Every printed overall lies below the geometric mean of the row's columns, by more than rounding."""
    with PAPER.open(newline="") as stream:
        for row in csv.DictReader(stream):
            bound = math.prod(float(row[name]) for name in ("if", "nc", "vq")) ** (1 / 3)
            assert float(row["overall"]) < bound - 0.01, row["model"]


def test_missing_scores_are_counted_and_bounded() -> None:
    made = rows(lambda model, subtask, sample, *_: None if (subtask, sample) == (0, 0) else 8, 1, 2, 2, ["en"])
    one = find(means(made))
    assert (one.n, one.expected, one.failed, one.absent) == (3, 4, 3, 0)
    assert one.left_out == pytest.approx(8)
    assert (one.zero, one.upper) == (pytest.approx(6), pytest.approx(8.5))
    lost = [row for row in made if row["score"] is not None or row["metric"] != "NC"]
    one = find(means(lost))
    assert (one.n, one.expected, one.failed, one.absent) == (3, 4, 2, 1)
    assert find(means(lost), "NC").absent == 1


def test_a_sample_lacking_one_metric_is_bounded_by_what_is_known() -> None:
    made = rows(lambda *place: None if place[4] == 0 and place[2] == 0 else 5, 1, 1, 1, ["en"])
    one = find(means(made))
    assert (one.left_out, one.n, one.zero) == (None, 0, 0)
    assert one.upper == pytest.approx((10 * 5 * 5 * 5) ** 0.25)  # IF alone is unknown


def test_samples_nobody_judged_are_expected() -> None:
    made = rows(lambda *_: 7, 1, 2, 3, ["en"])
    samples = table(made).select(SAMPLES.names)
    one = find(means([row for row in made if row["key"] != "key-00-01"], samples=samples))
    assert (one.n, one.expected, one.absent) == (5, 6, 3)
    assert find(means(made, repeats=2)).absent == len(made)


def test_a_model_is_not_expected_in_a_language_it_was_never_judged_in() -> None:
    made = [row for row in rows(lambda *_: 7) if (row["model"], row["language"]) != ("model-01", "cn")]
    assert {(m.model, m.language) for m in means(made)} == {("model-00", "en"), ("model-00", "cn"), ("model-00", BOTH), ("model-01", "en")}


def test_policies_that_rank_differently_are_told() -> None:
    # the second is better where it answers, and answers half as often
    made = rows(lambda model, subtask, sample, *_: (9 if sample < 2 else None) if model else 7, 2, 2, 4, ["en"])
    found = means(made)
    assert ranking(found, "judge-1", "en") == ["model-01", "model-00"]
    assert ranking(found, "judge-1", "en", "zero") == ["model-00", "model-01"]
    (said,) = ranking_warnings(found)
    assert "judge-1, en" in said
    assert not ranking_warnings(means(rows(lambda model, *_: 7 + model)))


def lose(made: list[Row], chance: Callable[[Any], float], random: np.random.Generator) -> list[Row]:
    return [{**row, "score": None, "status": "failed"} if random.random() < chance(row["score"]) else row for row in made]


def test_failures_at_random_leave_the_mean_unbiased() -> None:
    random = np.random.Generator(np.random.PCG64(1))
    made = rows(truth(random), 1, 3, 20, ["en"])
    whole = find(means(made)).left_out
    again = [find(means(lose(made, lambda _: 0.08, random), resamples=2)).left_out for _ in range(60)]
    assert whole is not None
    error = float(np.std(again, ddof=1)) / math.sqrt(len(again))
    assert abs(float(np.mean(again)) - whole) < 3 * error < 0.1


@pytest.mark.parametrize("seed", range(5))
def test_bounds_hold_the_truth_where_failures_depend_on_the_score(seed: int) -> None:
    random = np.random.Generator(np.random.PCG64(seed))
    made = rows(truth(random), 1, 3, 20, repeats=2)
    damaged = means(lose(made, lambda score: 0.6 if score <= 6 else 0.02, random))
    whole = means(made)
    biased = 0
    for one in damaged:
        true = find(whole, one.metric, one.model, one.language, one.level, one.group)
        assert true.left_out is not None
        assert one.zero <= true.left_out + 1e-12
        assert true.left_out <= one.upper + 1e-12
        biased += one.left_out is not None and one.left_out > true.left_out + 0.3
    assert biased > len(damaged) / 4  # the mean of what is left misleads, and the bounds say so


@pytest.mark.parametrize(("subtasks", "samples"), [(3, 20), (22, 5)])
def test_intervals_cover_the_truth(subtasks: int, samples: int) -> None:
    """Of 50 seeds at least 90%: the truth is the mean over many more pictures of the same kind."""
    large = find(
        means(rows(truth(np.random.Generator(np.random.PCG64(999))), 1, subtasks, 2500 // subtasks), resamples=2), language=BOTH
    ).left_out
    assert large is not None
    covered = 0
    for seed in range(50):
        one = find(means(rows(truth(np.random.Generator(np.random.PCG64(seed))), 1, subtasks, samples), resamples=400), language=BOTH)
        assert one.ci_low is not None and one.ci_high is not None
        covered += one.ci_low <= large <= one.ci_high
    assert covered >= 45


def test_languages_of_one_picture_are_not_two_pictures() -> None:
    """Where Chinese repeats English, both together know no more than one: an interval as wide."""
    score = truth(np.random.Generator(np.random.PCG64(3)))
    english = rows(score, 1, 3, 20, ["en"])
    both = english + [{**row, "language": "cn"} for row in english]
    wide, same = find(means(both, 2000)), find(means(both, 2000), language=BOTH)
    assert (same.ci_low, same.ci_high) == (pytest.approx(wide.ci_low), pytest.approx(wide.ci_high))
    apart = [{**row, "source": f"{row['source']} {row['language']}"} for row in both]
    narrow = find(means(apart, 2000), language=BOTH)
    assert narrow.ci_high - narrow.ci_low < 0.8 * (same.ci_high - same.ci_low)  # type: ignore[operator]


def test_resampled_variance_is_that_of_a_stratified_mean() -> None:
    """Of few samples a stratum too: the textbook's, sum of s^2 / n by stratum (Cochran 1977), not its (n - 1) / n."""
    score = truth(np.random.Generator(np.random.PCG64(5)))
    made = rows(score, 1, 10, 3, ["en"])
    cube = cube_of(table(made))
    values = values_of(cube).seen[0, 0, :, COLUMNS.index("IF")]
    draws = draws_of(cube, 20_000, 0)
    drawn = (draws.weights[:, draws.cluster] @ values) / len(values)
    book = sum(values[cube.subtask == number].var(ddof=1) / 3 for number in range(10)) / 10**2
    assert drawn.var() == pytest.approx(book, rel=0.05)
    assert drawn.mean() == pytest.approx(values.mean(), abs=0.02)


def test_no_interval_where_nothing_is_known_of_the_spread() -> None:
    assert all(m.ci_low is None for m in means(rows(lambda *_: 7, 1, 1, 1)))
    same = find(means(rows(lambda *_: 7, 1, 3, 4)))
    assert (same.left_out, same.ci_low, same.ci_high) == (pytest.approx(7), None, None)
    low, high = intervals(np.array([[1.0, np.nan], [2.0, np.nan], [3.0, np.nan]]), 5, 0.9)
    assert np.isfinite([low[0], high[0]]).all() and np.isnan([low[1], high[1]]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": 11.0}, "row 0 .*number from 0 to 10"),
        ({"score": math.nan}, "number from 0 to 10"),
        ({"score": None}, "number from 0 to 10"),
        ({"status": "failed"}, "leave it null"),
        ({"metric": "XX"}, "none of IF, NC, VQ, RA"),
        ({"metric": "RA"}, "belongs to the task"),
        ({"language": "de"}, "none of en, cn"),
        ({"repeat": -1}, "numbered from 0"),
        ({"repeat": 4}, "set repeats to 5"),
        ({"metric": "NC"}, "stands twice"),
        ({"subtask": "other"}, "two sources, tasks or sub-tasks"),
    ],
)
def test_wrong_rows_are_named(change: Row, message: str) -> None:
    made = rows(lambda *_: 7)
    made[0] = {**made[0], **change}
    with pytest.raises(PipelineError, match=message):
        cube_of(table(made), repeats=2)


def test_another_benchmarks_samples_are_refused() -> None:
    made = rows(lambda *_: 7)
    others = table([{**row, "key": f"x{row['key']}"} for row in made]).select(SAMPLES.names)
    with pytest.raises(PipelineError, match="another benchmark"):
        cube_of(table(made), others)
    with pytest.raises(PipelineError, match="no column 'source'"):
        cube_of(table(made).drop_columns(["source"]))


def test_scores_end_at_ten() -> None:
    assert find(means(rows(lambda *_: HIGHEST))).left_out == pytest.approx(10)
