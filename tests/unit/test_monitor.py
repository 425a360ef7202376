"""Progress records, bars, the summary, and the child that is watched."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from made_tables import assembled, shard_tables
from unicedit.errors import PipelineError
from unicedit.map.progress import Progress
from unicedit.monitor.bars import line
from unicedit.monitor.output import Output, clean, last_lines
from unicedit.monitor.places import places_of, profile_of
from unicedit.monitor.progress import RunProgress, Speed
from unicedit.monitor.records import Records
from unicedit.monitor.status import status
from unicedit.monitor.watch import watch

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
OUTPUT = """\
Building DAG of jobs...
Job stats:
job       count
------  -------
all           1
edit          4
card          1
total         6

[Tue Nov 24 12:07:32 2026]
Job 1: Shard 00000: editing
Finished jobid: 1 (Rule: edit)
Error in rule edit:
    message: None
    jobid: 3
    output: results/edit/00002.parquet
    log: LOG (check log file(s) for error details)
    shell:
        exit 1
Error in rule edit:
    message: None
    jobid: 4
    log: other.log (check log file(s) for error details)
Finished jobid: 4 (Rule: edit)
Exiting because a job execution failed. Look above for error messages
"""


def say(scratch: Path, stage: str, shard: str, *, finished: bool = False, **counts: int) -> None:
    progress = Progress(scratch / "progress" / stage / f"{shard}.json", stage, shard)
    if finished:
        progress.finish(counts)
    else:
        progress.update(counts, force=True)


def plain_console(width: int = 120) -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, width=width), text


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_only_records_written_in_this_run_count(tmp_path: Path) -> None:
    say(tmp_path, "edit", "00000", finished=True, total=10, done=10, computed=10)
    records = Records(tmp_path)
    progress = RunProgress(records.read())
    say(tmp_path, "edit", "00001", total=20, done=5, computed=5, failed=1)
    assert [record.shard for record in progress.own(records.read())] == ["00001"]


def test_a_file_that_is_no_record_is_named_once_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    say(tmp_path, "edit", "00000", total=1)
    for number, text in enumerate(["", "[]", '{"updated": 1}', '{"updated": "x", "finished": true}']):
        written(tmp_path / "progress" / "edit" / f"bad{number}.json", text)
    written(tmp_path / "progress" / "edit" / ".hidden.json.tmp", "")
    records = Records(tmp_path)
    for _ in range(2):
        assert list(records.read()) == [("edit", "00000")]
    assert len(caplog.records) == 4


def test_thirty_thousand_records_are_read_in_five_seconds(tmp_path: Path) -> None:
    text = json.dumps({"total": 10, "done": 10, "computed": 10, "updated": 1.0, "finished": True})
    for stage in ("ingest", "prefilter", "instruct", "edit", "verify", "truth"):
        folder = tmp_path / "progress" / stage
        folder.mkdir(parents=True)
        for shard in range(5000):
            (folder / f"{shard:05d}.json").write_text(text)
    records = Records(tmp_path)
    start = time.process_time()
    assert len(records.read()) == 30_000
    assert time.process_time() - start < 5
    start = time.process_time()
    records.read()
    assert time.process_time() - start < 2


def test_output_tells_planned_finished_and_failed_jobs(tmp_path: Path) -> None:
    path = written(tmp_path / "log", "of an earlier run: Nothing to be done\n")
    output = Output(path, path.stat().st_size)
    for part in (OUTPUT[:100], OUTPUT[100:333], OUTPUT[333:]):  # it grows while it is read
        with path.open("a") as stream:
            stream.write(part)
        output.read()
    assert output.planned == {"all": 1, "edit": 4, "card": 1}
    assert output.finished == {"edit": 2}
    assert [(job.rule, job.logs) for job in output.errors.values()] == [("edit", [Path("LOG")])]  # job 4 succeeded at the second try
    assert not output.nothing_to_do


def test_rate_and_eta_come_from_rows(tmp_path: Path) -> None:
    output = Output(written(tmp_path / "log", OUTPUT))
    output.read()
    output.finished["edit"] = 0
    records = Records(tmp_path)
    progress = RunProgress({})
    say(tmp_path, "edit", "00000", total=100, done=10, computed=0, reused=10)
    progress.stages(output, records.read(), 0.0)
    say(tmp_path, "edit", "00000", total=100, done=60, computed=50, reused=10, failed=2)
    edit = {one.stage: one for one in progress.stages(output, records.read(), 10.0)}["edit"]
    assert edit.rate == pytest.approx(5)
    assert edit.share == pytest.approx(60 / 400)  # four shards of 100 rows each
    assert edit.eta == pytest.approx(340 / 5)
    assert "edit 0/4 jobs, 60 rows at 5.0/s, 2 failed, ETA 0:01:08" in line([edit], 10)


def test_speed_forgets_what_is_older_than_a_minute() -> None:
    speed = Speed()
    assert speed.add(0, 0) == 0
    speed.add(10, 1000)
    for now in range(20, 100, 10):
        last = speed.add(now, 1000)
    assert last == 0


def test_text_of_others_cannot_steer_the_terminal(tmp_path: Path) -> None:
    assert clean("a\x1b[2Jb\x07\x9b1mc\r\n") == "ab1mc"
    assert last_lines(written(tmp_path / "x.log", "one\n\n\x1b[31mtwo\nthree\n"), 2) == ["two", "three"]


def script(folder: Path, body: str) -> list[str]:
    return [sys.executable, str(written(folder / "child.py", body))]


def test_a_successful_run_ends_with_a_summary(tmp_path: Path) -> None:
    results, scratch = tmp_path / "results", tmp_path / "scratch"
    shard_tables(results)
    assembled(results)
    written(results / "tables" / "table3.md", "x")
    say(scratch, "ingest", "00000", finished=True, total=3, done=3, computed=3)
    record = {"total": 7, "done": 7, "computed": 4, "reused": 3, "failed": 1, "updated": 1.0, "finished": True}
    body = f"""
import json, pathlib
print("Job stats:\\njob  count\\n---  ---\\nedit  1\\n\\nFinished jobid: 1 (Rule: edit)")
path = pathlib.Path({str(scratch)!r}) / "progress/edit/00000.json"
path.parent.mkdir(parents=True)
path.write_text(json.dumps({record!r}))
"""
    console, text = plain_console(200)
    assert watch(script(tmp_path, body), results / "logs" / "snakemake.log", scratch, results, console) == 0
    shown = text.getvalue()
    assert "1/1 jobs" in shown
    summary = next(row for row in shown.splitlines() if " edit " in row and "│" in row)
    assert summary.split()[1:6] == ["edit", "4", "0", "3", "1"]
    assert "ingest" not in shown  # of an earlier run
    assert f'load_dataset("{results / "dataset"}"' in shown
    assert "table3.md" in shown
    assert "Job stats" in (results / "logs" / "snakemake.log").read_text()


def test_a_failed_run_shows_the_failed_job_and_its_log(tmp_path: Path) -> None:
    job_log = written(tmp_path / "edit.log", "start\nerror: \x1b[31mno space [left] on device\n")
    said = OUTPUT.replace("LOG", str(job_log))
    console, text = plain_console(200)
    status_ = watch(
        script(tmp_path, f"print({said!r}); raise SystemExit(1)"), tmp_path / "run.log", tmp_path / "s", tmp_path / "r", console
    )
    assert status_ == 1
    assert "edit failed" in text.getvalue()
    assert str(job_log) in text.getvalue()
    assert "error: no space [left] on device" in text.getvalue()
    assert "other.log" not in text.getvalue()


def test_a_configuration_error_is_shown(tmp_path: Path) -> None:
    console, text = plain_console()
    child = script(tmp_path, "print('config: edit.foo: unknown key'); raise SystemExit(1)")
    assert watch(child, tmp_path / "run.log", tmp_path / "s", tmp_path / "r", console) == 1
    assert "config: edit.foo: unknown key" in text.getvalue()


def test_a_command_that_is_not_there_is_an_expected_error(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="cannot be run"):
        watch(["./no-such-program"], tmp_path / "run.log", tmp_path / "s", tmp_path / "r", plain_console()[0])


def test_bars_are_drawn_on_a_terminal(tmp_path: Path) -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=140, color_system=None)
    child = script(tmp_path, f"print({OUTPUT!r})")
    assert watch(child, tmp_path / "run.log", tmp_path / "s", tmp_path / "r", console) == 0
    assert "2/4 jobs" in text.getvalue()
    assert "━" in text.getvalue()


def test_interrupt_reaches_the_child(tmp_path: Path) -> None:
    body = """
import time
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("told to stop", flush=True)
    raise SystemExit(3)
"""
    results = tmp_path / "results"
    runner = [sys.executable, str(SCRIPTS / "run.py"), "--results", str(results), "--scratch", str(tmp_path / "scratch"), "--"]
    process = subprocess.Popen([*runner, *script(tmp_path, body)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=tmp_path)
    log = results / "logs" / "snakemake.log"
    deadline = time.monotonic() + 30
    while not (log.exists() and "ready" in log.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    shown, _ = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "told to stop" in log.read_text()
    assert b"Traceback" not in shown


def test_status_shows_sealed_shards_and_silent_jobs(tmp_path: Path) -> None:
    results, scratch = tmp_path / "results", tmp_path / "scratch"
    shard_tables(results)
    assembled(results)
    shutil.rmtree(results / "verify")
    say(scratch, "edit", "00000", finished=True, total=9, done=9, computed=9, failed=2)
    say(scratch, "verify", "00000", total=9, done=4, computed=4)
    console, text = plain_console(140)
    status(results, scratch, console, now=time.time() + 600)
    rows = {row.split()[0]: row for row in text.getvalue().splitlines() if row.split()}
    assert "1 of 1" in rows["edit"]
    assert "9 of 9" in rows["edit"]
    assert "0 of 1" in rows["verify"]
    assert "1 silent" in rows["verify"]
    assert "rows" in rows["gathers"]


def test_profile_is_the_one_that_was_named_where_this_folder_holds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("lab").mkdir()
    Path("lab/config.yaml").write_text("executor: slurm\n")
    assert profile_of(["snakemake", "--profile", "lab", "all"]) == profile_of(["snakemake", "--profile=lab"]) == Path("lab")
    assert profile_of(["snakemake", "--profile", "elsewhere"]) == profile_of(["snakemake", "--profile"]) == Path("profiles/slurm")


def test_places_come_from_the_configuration_files_of_the_command(tmp_path: Path) -> None:
    default = written(tmp_path / "config.yaml", "paths: {results: a, scratch: b}")
    overlay = written(tmp_path / "mine.yaml", "paths: {results: /big/results}")
    assert places_of(["snakemake", "all"], default) == (Path("a"), Path("b"))
    assert places_of(["snakemake", "--configfile", str(overlay), "all", "--cores", "2"], default) == (Path("/big/results"), Path("b"))
    assert places_of(["snakemake", f"--configfile={overlay}"], default) == (Path("/big/results"), Path("b"))
    written(overlay, "paths: [")
    assert places_of(["snakemake", "--configfile", str(overlay)], default) == (Path("a"), Path("b"))
