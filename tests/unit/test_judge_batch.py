"""Judging through the providers' batch APIs, against a server on the loopback interface that speaks both (issue 5)."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from batch_server import MODEL, batches_served, told
from made_requests import picture
from unicedit.benchmark.recipes import expect_recipe, judge_recipe
from unicedit.benchmark.schema import RA
from unicedit.config.judge import JudgeSettings
from unicedit.config.table2 import Table2JudgeSettings
from unicedit.judge.engines import open_judge
from unicedit.judge.port import Question
from unicedit.map.stage import Row, RowError
from unicedit.provenance import Provenance
from unicedit.scoring.schema import METRICS
from unicedit.viescore.recipe import viescore_recipe
from unicedit.vlm.engines import VlmPlaces
from unicedit.vlm.spent import spent_in

PRICE = {"input": 1.0, "cached_input": 0.5, "output": 4.0}
EACH = (800 * 1.0 + 200 * 0.5 + 100 * 4.0) / 1e6
both = pytest.mark.parametrize("provider", ["openai", "gemini"])


def settings_at(url: str, attempts: int = 8, **more: Any) -> JudgeSettings:
    provider = "gemini" if "v1beta" in url else "openai"
    own = {"provider": provider, "model": MODEL, "base_url": url, "poll_seconds": 0.1, "tries": 9, "price": PRICE, **more}
    return JudgeSettings(name="j", engine="batch", attempts=attempts, batch=own)


def questions(count: int) -> list[Question]:
    """Every metric of ``count`` edits."""
    nowhere = Provenance("k", "s", 1, 1, (0, 0, 1, 1), 1, 1)
    return [
        Question(
            f"k{number}-{metric}",
            metric,
            0,
            picture(number),
            picture(number + 100),
            f"Add {number} cats.",
            ("A cat is an animal.",) if metric == RA else (),
            ("A cat is there.",) if metric == RA else (),
            nowhere,
        )
        for number in range(count)
        for metric in METRICS
    ]


def judged(settings: JudgeSettings, folder: Path, count: int) -> list[Row | RowError]:
    return open_judge(settings, None, VlmPlaces(folder / "replies", folder / "usage")).judge(questions(count))


@both
def test_scores_come_from_few_batches_and_cost_what_batches_cost(tmp_path: Path, provider: str) -> None:
    with batches_served(tmp_path / "state", provider, {"expired": 0.2}, seconds=0.2) as url:
        rows = judged(settings_at(url), tmp_path, 6)
        batches = Counter(line["batch"] for line in told(tmp_path / "state", "request"))
        again = judged(settings_at(url, poll_seconds=0.2), tmp_path, 6)
        assert sum(batches.values()) == len(told(tmp_path / "state", "request")), "all is known"
    assert batches[f"{provider}-1"] == len(rows) == 24 and again == rows
    scores = [row for row in rows if not isinstance(row, RowError)]
    assert len(scores) == 24 and all(row["score"] == 10 - sum(one["deduction"] for one in row["violations"]) for row in scores)
    assert all((row["snapshot"], row["tokens_in"], row["tokens_out"]) == (MODEL, 1000, 100) for row in scores)
    assert all(row["cost"] == pytest.approx(EACH) and json.loads(row["raw"])["reason"] for row in scores)
    spent = spent_in(tmp_path / "usage")
    assert (spent.sent, spent.money, spent.waiting) == (sum(batches.values()), pytest.approx(spent.answered * EACH), 0)


@both
def test_reply_that_cannot_be_read_in_any_batch_fails_its_row(tmp_path: Path, provider: str) -> None:
    with batches_served(tmp_path / "state", provider, {"prose": 0.5}, seconds=0.1) as url:
        rows = judged(settings_at(url, attempts=2), tmp_path, 6)
    failed = [row for row in rows if isinstance(row, RowError)]
    assert 0 < len(failed) < len(rows) and all(str(row).startswith("reply: ") and str(row).endswith("(2 attempts)") for row in failed)
    assert all("score" not in row.columns and row.columns["raw"] for row in failed)
    assert len({line["batch"] for line in told(tmp_path / "state", "request")}) == 2


KILLED = """\
import sys
from pathlib import Path
sys.path[:0] = {path!r}
from test_judge_batch import judged, settings_at
judged(settings_at({url!r}), Path({folder!r}), 5)
"""


@both
def test_a_judge_that_is_killed_while_it_waits_goes_on_with_its_batch(tmp_path: Path, provider: str) -> None:
    state, here = tmp_path / "state", Path(__file__).parent
    with batches_served(state, provider, {"prose": 0.3}, seconds=3.0) as url:
        script = KILLED.format(path=[str(here), str(here.parent), *sys.path], url=url, folder=str(tmp_path))
        child = subprocess.Popen([sys.executable, "-c", script])
        deadline = time.monotonic() + 60
        while not told(state, "batch") and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(child.pid, signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL, "it was still waiting"
        rows = judged(settings_at(url), tmp_path, 5)
    scores = [row for row in rows if not isinstance(row, RowError)]
    assert len(scores) == 20 and {row["attempt"] for row in scores} > {1}, "some were asked again"
    lines = Counter(line["key"] for line in told(state, "request"))
    assert set(lines.values()) == {1} and len(lines) > 20, "nothing was sent twice"
    spent = spent_in(tmp_path / "usage")
    assert spent.sent == spent.answered == len(lines) and spent.money == pytest.approx(len(lines) * EACH)


def test_recipes_hold_what_decides_a_score_and_nothing_of_how_batches_are_carried() -> None:
    def recipes(**own: Any) -> list[str]:
        judge = JudgeSettings(name="j", engine="batch", batch={"model": "m", **own})
        return [recipe(judge) for recipe in (judge_recipe, expect_recipe, viescore_recipe)]

    usual = recipes()
    carried = {
        "rows": 7,
        "max_requests": 9,
        "poll_seconds": 1.0,
        "max_wait_hours": 9,
        "tries": 2,
        "timeout": 9.0,
        "base_url": "http://x/v1",
    }
    assert recipes(**carried, price=PRICE, budget={"money": 5}, key_variable="LAB_KEY") == usual
    for own in ({"model": "other"}, {"temperature": 0.5}, {"max_tokens": 9}, {"provider": "gemini"}):
        assert not set(recipes(**own)) & set(usual), own


def test_rows_at_once_are_all_of_a_job_or_what_the_settings_say() -> None:
    judge = JudgeSettings(name="j", engine="batch", batch_size=8, batch={"model": "m"})
    assert judge.rows_at_once == sys.maxsize
    assert judge.model_copy(update={"batch": judge.batch.model_copy(update={"rows": 50})}).rows_at_once == 50
    assert judge.model_copy(update={"engine": "openai"}).rows_at_once == 8
    assert Table2JudgeSettings(name="t", engine="batch", batch={"model": "m"}).repeats == 3


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "engine `batch` needs batch.model"),
        ({"keep_replies": False, "batch": {"model": "m"}}, "engine `batch` needs keep_replies: true"),
        ({"batch": {"model": "m", "budget": {"money": 5}}}, "budget.money needs price.input and price.output"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], said: str) -> None:
    for kind in (JudgeSettings, Table2JudgeSettings):
        with pytest.raises(ValidationError, match=said):
            kind(name="j", engine="batch", **settings)
