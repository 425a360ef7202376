"""Judges against the simulated truth: the statistics against scipy, what is missing, what is paid, and when there is nothing to compare."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.stats import spearmanr

from made_judgements import Row, rows
from unicedit.benchmark.plan import BenchPlan, compared
from unicedit.config.model import parse
from unicedit.config.tables import TablesSettings
from unicedit.errors import PipelineError
from unicedit.scoring.resample import picture_weights
from unicedit.tables.judge_truth import NAME, judge_truth
from unicedit.tables.judge_truth_measure import APART, BIAS, SPEARMAN, beside, judgements, per_thousand, spearman, spread

MEASURED, MODEL = "measured", 2


def truth_of(model: int, subtask: int, sample: int, language: int, metric: int, repeat: int) -> float:
    return float((7 * model + 5 * subtask + 3 * sample + 2 * metric + language) % 11)


def made(tmp_path: Path, tokens: int = 100) -> pa.Table:
    """The truth, a judge that is always one too low (0 stays 0), one with the truth turned round, and one that fails on a metric of one model."""

    def low(*place: int) -> float:
        return max(truth_of(*place) - 1, 0)

    def turned(*place: int) -> float:
        return 10 - truth_of(*place)

    def failing(*place: int) -> float | None:
        return None if place[0] == 0 and place[4] == 1 else truth_of(*place)

    found: list[Row] = []
    for name, score in ((MEASURED, truth_of), ("low", low), ("turned", turned), ("failing", failing)):
        own = rows(score, MODEL, judge=name)
        for row in own:
            row |= {"tokens_in": tokens, "tokens_out": 10, "cost": 0.5} if name != MEASURED and row["status"] == "ok" else {}
        found += own
    schema = {name: pa.Table.from_pylist(found)[name].type for name in found[0]} | {
        "tokens_in": pa.int64(),
        "tokens_out": pa.int64(),
        "cost": pa.float64(),
    }
    pq.write_table(pa.Table.from_pylist(found, pa.schema(list(schema.items()))), tmp_path / "judged.parquet")
    return judgements([tmp_path / "judged.parquet"])


def test_weighted_correlation_is_that_of_repeated_places() -> None:
    random = np.random.default_rng(0)
    one, other = random.integers(0, 6, (2, 40)).astype(float)
    weights = picture_weights(40, 30, seed=1)
    assert weights[0].tolist() == [1] * 40 and (weights[1:].sum(axis=1) == 39).all()
    for found, times in zip(spearman(one, other, weights), weights.astype(int), strict=True):
        assert found == pytest.approx(spearmanr(np.repeat(one, times), np.repeat(other, times)).statistic)
    assert np.isnan(spearman(np.ones(5), np.arange(5.0), np.ones((1, 5)))[0]), "what does not vary correlates with nothing"


def test_statistics_are_those_of_the_rows(tmp_path: Path) -> None:
    judged = made(tmp_path)
    models, pairs = beside(judged, "low", MEASURED)
    assert models == ["model-00", "model-01"] and list(pairs) == ["IF", "NC", "VQ", "RA", "Overall"]
    found = spread(pairs["IF"], 0.95)
    own = {name: [row for row in judged.to_pylist() if (row["judge"], row["metric"]) == (name, "IF")] for name in (MEASURED, "low")}
    apart = [row["score"] - other["score"] for row, other in zip(own["low"], own[MEASURED], strict=True)]
    assert found[BIAS][0][0] == pytest.approx(np.mean(apart)) and found[APART][0][0] == pytest.approx(-np.mean(apart))
    by_model = [
        spearmanr(*([row["score"] for row in own[name] if row["model"] == model] for name in (MEASURED, "low"))).statistic
        for model in models
    ]
    assert [value for value, _ in found[SPEARMAN][1:]] == pytest.approx(by_model)
    assert found[SPEARMAN][0][0] == pytest.approx(np.tanh(np.mean(np.arctanh(by_model)))), "Fisher's mean"
    low, high = found[BIAS][0][1]
    assert low is not None and high is not None and low < np.mean(apart) < high
    assert spread(beside(judged, "turned", MEASURED)[1]["NC"], 0.95)[SPEARMAN][0][0] == pytest.approx(-1)


def test_what_fails_is_missing_and_counted_by_reason(tmp_path: Path) -> None:
    status = judge_truth(tmp_path, made(tmp_path), judgements([]), MEASURED, ["failing", "low"], TablesSettings())
    lines = (tmp_path / f"tables/{NAME}.csv").read_text().splitlines()
    figures = {(*cells[1:3], cells[-1]): cells for cells in (line.split(",") for line in lines if '"' not in line)}
    edits = MODEL * 3 * 4 * 2
    assert figures["NC", "scored", "measured by failing"][6:8] == [str(edits // 2), str(edits)]
    assert figures["NC", "failed: unparsable", "measured by failing"][3] == str(edits // 2)
    assert figures["Overall", "spearman", "measured by failing"][3:8] == ["1", "", "", str(edits // 2), str(edits)], (
        "the overall is missing with it"
    )
    assert status == {"ok": edits // 2 + edits, "rejected": 0, "failed": edits // 2}
    page = (tmp_path / f"tables/{NAME}.md").read_text()
    assert "NC unparsable 24" in page and "24 of 48" in page
    assert (tmp_path / f"tables/{NAME}.png").stat().st_size > 5000


def test_tokens_and_cost_are_of_every_question_asked(tmp_path: Path) -> None:
    judged = made(tmp_path)
    asked = 3 + 1 / 3  # a third of the edits are of Reasoning, and have RA too
    assert per_thousand(judged, judgements([]), "low") == pytest.approx(
        {"tokens_in": 1e5 * asked, "tokens_out": 1e4 * asked, "cost": 500 * asked}
    )
    assert per_thousand(judged, judgements([]), "failing")["cost"] == pytest.approx(500 * asked), "as if none had failed"
    shared = judged.filter(
        np.array([row["judge"] == "low" and row["metric"] == "RA" and row["model"] == "model-00" for row in judged.to_pylist()])
    )
    assert per_thousand(judged, shared, "low")["cost"] == pytest.approx(500 * (asked + 1 / 6)), "asked once for both models"
    assert per_thousand(judged, judgements([]), MEASURED) == {"tokens_in": None, "tokens_out": None, "cost": None}


@pytest.mark.parametrize(
    ("judges", "possible"),
    [
        ([{"name": "measured"}], False),
        ([{"name": "model", "engine": "openai", "openai": {"model": "m"}}], False),
        ([{"name": "truth"}, {"name": "model", "engine": "openai", "openai": {"model": "m"}}], True),
    ],
)
def test_one_line_says_what_to_configure(judges: list[dict[str, object]], possible: bool) -> None:
    plan = BenchPlan(parse({"benchmark": {"judges": judges}}))
    assert plan.compares == possible
    if possible:
        assert compared(plan.compared_settings()) == ("truth", ["model"])
        return
    with pytest.raises(PipelineError, match=r"give benchmark\.judges one of engine `measured` and one of another") as told:
        compared(plan.compared_settings())
    assert "\n" not in str(told.value)
