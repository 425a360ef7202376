"""Where a run stands, from its files: figures of a made run, and that thousands of shards take seconds (issue 6)."""

import io
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from made_run import make_run
from unicedit.monitor.output import Output
from unicedit.monitor.records import Records
from unicedit.monitor.status import gather_seal, stages_of, status
from unicedit.monitor.summary import show_summary

NOW = 1_800_000_000.0
SECONDS_A_THOUSAND_SHARDS = 1.0  # issue 6: thousands in under 5 s


def test_rows_rate_and_time_left_of_every_stage(tmp_path: Path) -> None:
    results, scratch = make_run(tmp_path, 100, running=4, now=NOW)
    stages = {one.stage: one for one in stages_of(results, scratch, NOW)}
    edit = stages["edit"]
    assert (edit.sealed, edit.shards, edit.running, edit.silent) == (40, 100, 4, 0)
    assert (edit.rows, edit.known, edit.failed) == (40 * 1000 + 4 * 400, 44_000, 40 * 5 + 4 * 3)
    assert edit.rate == pytest.approx(4 * 400 / 100)
    assert edit.eta == pytest.approx((4 * 600 + 56 * 1000) / 16)
    assert (stages["ingest"].sealed, stages["ingest"].rate, stages["ingest"].eta) == (100, 0, None)
    assert stages["assemble"].sealed == 20


def test_a_stage_whose_jobs_have_gone_silent_has_no_rate(tmp_path: Path) -> None:
    results, scratch = make_run(tmp_path, 10, running=2, now=NOW)
    edit = {one.stage: one for one in stages_of(results, scratch, NOW + 600)}["edit"]
    assert (edit.running, edit.silent, edit.rate, edit.eta) == (0, 2, 0, None)
    assert edit.silence == pytest.approx(601)


def test_status_prints_them(tmp_path: Path) -> None:
    results, scratch = make_run(tmp_path, 100, running=4, now=NOW)
    seal = Path(gather_seal(str(results), "sft"))
    seal.parent.mkdir(parents=True)
    seal.write_text("{}")
    text = io.StringIO()
    status(results, scratch, Console(file=text, width=140), now=NOW)
    line = next(row for row in text.getvalue().splitlines() if row.split()[:1] == ["edit"])
    assert line.split() == ["edit", "40", "of", "100", "41,600", "of", "44,000", "212", "16.0", "1:00:50", "4", "running"]
    assert "gathers made: sft; dataset: 20,000 rows" in text.getvalue()


def test_a_thousand_shards_are_shown_within_a_second_of_processor_time(tmp_path: Path) -> None:
    results, scratch = make_run(tmp_path, 1000)
    console = Console(file=io.StringIO(), width=140)
    taken = []
    for _ in range(3):
        before = time.process_time()
        status(results, scratch, console)
        taken.append(time.process_time() - before)
    assert min(taken) < SECONDS_A_THOUSAND_SHARDS


def test_a_slow_file_system_is_asked_for_many_records_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, scratch = make_run(tmp_path, 200)
    original, at_once, most, lock = os.stat, 0, 0, threading.Lock()

    def slow(path: str, **more: Any) -> os.stat_result:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.001)
        with lock:
            at_once -= 1
        return original(path, **more)

    whole = Records(scratch).read()
    monkeypatch.setattr("unicedit.monitor.records.os.stat", slow)
    assert Records(scratch).read() == whole
    assert most >= 4
    assert len(whole) == 200 + 200 + 170 + 130 + 90


def test_a_second_reading_opens_only_what_was_written_since(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, scratch = make_run(tmp_path, 600)
    records = Records(scratch)
    first = records.read()
    opened: list[str] = []
    original = open

    def counting(path: str, mode: str = "r") -> object:
        opened.append(str(path))
        return original(path, mode)

    monkeypatch.setattr("unicedit.monitor.records.open", counting, raising=False)
    changed = scratch / "progress" / "edit" / "00007.json"
    changed.write_text(changed.read_text().replace('"failed": 5', '"failed": 6'))
    second = records.read()
    assert opened == [str(changed)]
    assert second["edit", "00007"].failed == 6
    assert {place: record for place, record in second.items() if place != ("edit", "00007")} == {
        place: record for place, record in first.items() if place != ("edit", "00007")
    }


@pytest.mark.parametrize("on_slurm", [True, False])
def test_the_summary_of_a_run_on_slurm_says_how_to_see_what_jobs_used(tmp_path: Path, on_slurm: bool) -> None:
    log = tmp_path / "run.log"
    log.write_text("Building DAG of jobs...\n" + "SLURM run ID: 80b651a9-aceb-47d9-995f-8e38e546d1bb\n" * on_slurm)
    output = Output(log)
    output.read()
    text = io.StringIO()
    show_summary(Console(file=text, width=140), tmp_path / "results", [], output, 1.0)
    assert ("make efficiency" in text.getvalue()) is on_slurm
