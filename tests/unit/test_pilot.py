"""The pilot: pass rates from a run, frozen as an overlay, that balance the next run."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from small_tables import write_table
from unicedit.config.instruct import InstructSettings
from unicedit.errors import PipelineError
from unicedit.pilot import measure, overlay, pass_rates
from unicedit.schema import EDIT, INSTRUCT, VERIFY

SCRIPT = Path(__file__).parents[2] / "workflow" / "scripts" / "pilot.py"


OUTCOMES = [
    *[("Style Transfer", "accepted")] * 6,
    ("Style Transfer", "no change"),
    ("Style Transfer", "edit failed"),
    *[("Counting Change", "impossible")] * 9,
    ("Counting Change", "no change"),
]


def write_run(results: Path, shards: int = 1) -> None:
    """Per shard the ``OUTCOMES``, and what must not count: an accepted alternate, and a picture that has no instructions."""
    for shard in range(shards):
        instruct: list[dict[str, Any]] = [{"key": f"{shard}-picture", "status": "failed", "reason": "reply: none"}]
        edits: list[dict[str, Any]] = []
        verdicts: list[dict[str, Any]] = []
        for number, (subtask, outcome) in enumerate([*OUTCOMES, ("Counting Change", "accepted")]):
            key = f"{shard}-{number}"
            refused = {"status": "rejected", "reason": "impossible: x"} if outcome == "impossible" else {}
            instruct.append({"key": key, "subtask": subtask, "alternate": number == len(OUTCOMES), **refused})
            if outcome != "impossible":
                broken = {"status": "failed", "reason": "error: y"} if outcome == "edit failed" else {}
                edits.append({"key": f"{key}-a", "instruction": key, **broken})
            if outcome in ("accepted", "no change"):
                unchanged = {"status": "rejected", "reason": "no_change: z"} if outcome == "no change" else {}
                verdicts.append({"key": f"{key}-a", **unchanged})
        for name, schema, rows in (("instruct", INSTRUCT, instruct), ("edit", EDIT, edits), ("verify", VERIFY, verdicts)):
            write_table(results / name / f"{shard:05d}.parquet", schema, rows)


def test_rates_count_what_was_planned_and_what_was_accepted(tmp_path: Path) -> None:
    write_run(tmp_path / "results", shards=2)
    found = {one.subtask: one for one in measure(tmp_path / "results", tmp_path / "rates.yaml")}
    assert (found["Style Transfer"].accepted, found["Style Transfer"].asked) == (12, 16)
    assert (found["Counting Change"].accepted, found["Counting Change"].asked) == (0, 20)
    assert found["Style Transfer"].rate == pytest.approx((12 + 12 / 36) / 17, abs=1e-4)
    assert found["Counting Change"].rate == 0.05  # the floor


def test_overlay_is_a_configuration(tmp_path: Path) -> None:
    write_run(tmp_path / "results")
    out = tmp_path / "rates.yaml"
    command = [sys.executable, SCRIPT, "--results", tmp_path / "results", "--out", out]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "6 of       8 asked" in made.stdout
    settings = InstructSettings(**yaml.safe_load(out.read_text())["instruct"])
    assert settings.pass_rates["Counting Change"] == 0.05 and not settings.shares
    assert "Counting Change: 0.05  # 0 of 10 asked" in out.read_text()


def test_what_never_passes_is_left_out_and_not_asked_for_more(tmp_path: Path) -> None:
    write_run(tmp_path / "results", shards=2)
    measure(tmp_path / "results", tmp_path / "rates.yaml")
    settings = InstructSettings(**yaml.safe_load((tmp_path / "rates.yaml").read_text())["instruct"])
    assert list(settings.pass_rates) == ["Style Transfer"]
    assert settings.shares == {"Counting Change": 0}
    assert "Counting Change: 0  # 0 of 20 asked" in (tmp_path / "rates.yaml").read_text()


def test_small_counts_are_drawn_to_the_rate_over_all() -> None:
    found = {one.subtask: one.rate for one in pass_rates({"A": 1, "B": 1, "C": 98}, {"A": 1, "C": 49})}
    assert found == {"A": 0.75, "B": 0.25, "C": pytest.approx(0.5)}
    assert overlay(pass_rates({"A": 1}, {"A": 1})).endswith("    A: 1.0  # 1 of 1 asked\n")


def test_a_run_without_verdicts_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="no verified shard"):
        measure(tmp_path, tmp_path / "out.yaml")
    with pytest.raises(PipelineError, match="none of 4 instructions"):
        pass_rates({"A": 4}, {})
