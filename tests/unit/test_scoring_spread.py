"""Spread of judgements: repeats, agreement between judges, neighbours in the ranking, failures by kind."""

import time

import numpy as np
import pytest

from made_judgements import Row, rows, table, truth
from unicedit.scoring.aggregate import aggregate
from unicedit.scoring.agreement import agreement, alpha_interval
from unicedit.scoring.cube import cube_of
from unicedit.scoring.failures import Failure, failures
from unicedit.scoring.neighbours import Neighbours, neighbours
from unicedit.scoring.repeats import repeat_spread
from unicedit.scoring.resample import draws_of
from unicedit.scoring.statistics import statistics
from unicedit.scoring.values import values_of

_ = np.nan
# the example of Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011): four observers, twelve units; interval alpha is 0.849 there
PUBLISHED = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
)


def compared(made: list[Row], resamples: int = 500) -> list[Neighbours]:
    cube = cube_of(table(made))
    values, draws = values_of(cube), draws_of(cube, resamples, 0)
    return neighbours(cube, values, aggregate(cube, values, draws, 0.95), draws, 0, 0.95)


def test_alpha_is_the_published_one() -> None:
    assert alpha_interval(PUBLISHED) == pytest.approx(0.849, abs=0.0005)


def test_alpha_at_its_ends() -> None:
    random = np.random.Generator(np.random.PCG64(0))
    scores = random.integers(0, 11, size=(1, 300)).astype(float)
    assert alpha_interval(np.repeat(scores, 3, axis=0)) == pytest.approx(1)
    assert abs(alpha_interval(random.integers(0, 11, size=(3, 3000)).astype(float)) or 1) < 0.05
    assert alpha_interval(np.full((2, 4), 7.0)) is None
    assert alpha_interval(np.array([[1.0, _], [_, 2.0]])) is None


def test_alpha_is_unchanged_by_the_order_of_judges_and_units() -> None:
    random = np.random.Generator(np.random.PCG64(1))
    assert alpha_interval(PUBLISHED[random.permutation(4)][:, random.permutation(12)]) == pytest.approx(alpha_interval(PUBLISHED))


def test_agreement_of_judges_is_that_of_their_scores() -> None:
    random = np.random.Generator(np.random.PCG64(2))
    first = rows(truth(random), 2, 3, 10)
    second = [
        {**row, "judge": "judge-2", "score": float(np.clip(float(str(row["score"])) + random.integers(-1, 2), 0, 10))} for row in first
    ]
    second[0].update(score=None, status="failed", reason="refused")
    cube = cube_of(table(first + second))
    found = agreement(cube, values_of(cube), draws_of(cube, 300, 0), 0.95)
    assert len(found) == 2 * 5
    (one,) = [one for one in found if (one.language, one.metric) == ("en", "IF")]
    pairs = [(a["score"], b["score"]) for a, b in zip(first, second, strict=True) if (a["language"], a["metric"]) == ("en", "IF")]
    assert one.alpha == pytest.approx(alpha_interval(np.array(pairs, dtype=float).T))
    assert one.ci_low is not None and one.ci_high is not None and one.alpha is not None
    assert 0.5 < one.ci_low < one.alpha < one.ci_high < 1
    assert (one.n, one.expected, one.judges) == (59, 60, ("judge-1", "judge-2"))
    assert not agreement(cube_of(table(first)), values_of(cube), draws_of(cube, 2, 0), 0.95)


def test_repeats_show_the_judges_own_spread() -> None:
    random = np.random.Generator(np.random.PCG64(3))
    base = {(subtask, sample): random.normal(5, 1) for subtask in range(3) for sample in range(100)}
    made = rows(
        lambda _m, subtask, sample, _l, _c, _r: float(np.clip(base[subtask, sample] + random.normal(0, 0.5), 0, 10)), 1, 3, 100, ["en"], 3
    )
    lost = dict(made[0], score=None, status="failed")
    found = {one.metric: one for one in repeat_spread(cube_of(table([lost, *made[1:]])))}
    assert found["NC"].sample_sd == pytest.approx(0.5, rel=0.1)
    assert found["NC"].run_sd < 4 * 0.5 / np.sqrt(300)
    assert (found["IF"].n, found["NC"].n, found["RA"].expected, found["Overall"].n) == (299, 300, 100, 299)
    assert found["Overall"].sample_sd < 0.5  # three metrics together vary less
    assert not repeat_spread(cube_of(table(rows(lambda *_: 7))))


def test_a_clear_difference_is_found_and_paired() -> None:
    """Two models whose gap is small beside the spread of pictures, and the same on each."""
    score = truth(np.random.Generator(np.random.PCG64(4)))
    first = rows(score, 1, 3, 30, ["en"])
    second = [{**row, "model": "other", "score": max(0.0, float(str(row["score"])) - 0.5)} for row in first]
    (one,) = compared(first + second)
    assert (one.better, one.worse, one.n) == ("model-00", "other", 90)
    assert one.ci_low is not None and one.ci_low > 0.2
    assert one.p_holm == one.p == pytest.approx(1 / 501)


def test_no_difference_is_found_where_there_is_none() -> None:
    """Four equal models: of 60 rankings no more than 5% or so hold a corrected p-value below 0.05."""
    wrong = 0
    for seed in range(60):
        random = np.random.Generator(np.random.PCG64(seed))
        of_picture = random.normal(5, 2, size=(3, 8))
        noise = random.normal(0, 1, size=(4, 3, 8, 4))
        score = np.clip(of_picture[None, ..., None] + noise, 0, 10)
        made = rows(lambda m, s, n, _l, c, _r, score=score: score[m, s, n, c], 4, 3, 8, ["en"])
        found = compared(made, 300)
        assert [one.p_holm >= one.p for one in found] == [True] * 3
        wrong += min(one.p_holm for one in found) < 0.05
    assert wrong <= 7  # of a binomial of 60 and 0.05 the chance of more is below 2%


def test_models_that_share_no_sample_are_not_compared() -> None:
    made = rows(lambda model, _s, sample, *_: 7 if sample % 2 == model else None)
    assert not compared(made)


def test_failures_are_counted_by_kind() -> None:
    made = rows(lambda *_: 7, 1, 1, 2, ["en"])
    made[0].update(status="failed", score=None, reason="refused: not this picture")
    made[4].update(status="failed", score=None, reason="refused: nor this one")
    made[1].update(status="failed", score=None, reason=None)
    assert failures(table(made)) == [
        Failure("judge-1", "model-00", "en", "IF", "refused", 2),
        Failure("judge-1", "model-00", "en", "NC", "no reason given", 1),
    ]


def test_a_whole_benchmark_takes_seconds() -> None:
    """13 models x 1,100 samples x 2 languages, 2,000 resamples; the limit leaves room for a busy machine."""
    random = np.random.Generator(np.random.PCG64(6))
    scores = random.integers(0, 11, size=(13, 22, 50, 2, 4))
    whole = table(rows(lambda *place: float(scores[place[:5]]) if sum(place) % 37 else None, 13, 22, 50))
    began = time.process_time()
    found = statistics(whole, None, None, 2000, 0, 0.95)
    assert time.process_time() - began < 30
    assert len(found.neighbours) == 2 * 12
    assert {one.expected for one in found.means if (one.language, one.level, one.metric) == ("en", "all", "Overall")} == {1100}
    assert sum(one.n for one in found.failures) == sum(row is None for row in whole["score"].to_pylist())
