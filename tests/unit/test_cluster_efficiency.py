"""`make efficiency`: what jobs asked and used, from accounting and from benchmark files (issue 6)."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import REPOSITORY
from made_slurm import Slurm, slurm_on_path
from unicedit.cluster.asked import Asked
from unicedit.cluster.efficiency import by_rule
from unicedit.cluster.head import heads, read_head, submitted
from unicedit.cluster.used import Used, from_benchmarks, parse_sacct

RUN = "80b651a9-aceb-47d9-995f-8e38e546d1bb"
# of Slurm 22.05.8: a job, its batch step and the step of the rule; then a cancelled one, one that was too long, one that runs, an array's task
SACCT = """\
5|COMPLETED|13|60|1|2000M|1||00:06.554|rule_ingest_wildcards_00000
5.batch|COMPLETED|13||1||1|177948K|00:02.181|
5.extern|COMPLETED|13||1||1|9999K|00:00.001|
5.0|COMPLETED|8||1||1|322884K|00:04.373|
6|COMPLETED|120|60|2|2Gc|1||03:00.000|rule_ingest_wildcards_a|b_00001
6.batch|COMPLETED|120||1||1|0.5G|03:00.000|
7|CANCELLED by 0|3|240|1|16000M|1||00:00:00|rule_duplicates_wildcards_0000
8|TIMEOUT|28800|480|1|4000M|1||07:58:00|
8.batch|TIMEOUT|28800||1||1|512|07:58:00|
9|RUNNING|10|480|1|4000M|1||00:00:00|rule_edit_wildcards_00001
10|COMPLETED|600|480|4|1G|2|||rule_edit
"""
LOG = f"""\
Config file config/config.yaml is extended by additional config specified via the command line.

SNAKEMAKE
=========
  Date: 2026-11-25 00:36:39
  Host: login1
  Command: snakemake --configfile my run.yaml --profile slurm dataset
  Working directory: FOLDER
  Config file(s): [PosixPath('FOLDER/my run.yaml'), 'config/config.yaml']

Building DAG of jobs...
SLURM run ID: {RUN}
Job 2 has been submitted with SLURM jobid 5 (log: FOLDER/results/logs/slurm/rule_ingest/00000/5.log).
Job 9 has been submitted with SLURM jobid 8 (log: FOLDER/results/logs/slurm/rule_edit/00000/8.log).
"""


def snakemake_log(folder: Path, text: str = LOG, name: str = "2026-11-25T003639.562612") -> Path:
    path = folder / ".snakemake" / "log" / f"{name}.snakemake.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace("FOLDER", str(folder)))
    return path


def test_jobs_of_accounting() -> None:
    jobs = parse_sacct(SACCT, {"8": "edit"})
    assert [(job.rule, job.ended) for job in jobs] == [
        ("ingest", "COMPLETED"),
        ("ingest", "COMPLETED"),
        ("duplicates", "CANCELLED"),
        ("edit", "TIMEOUT"),
        ("edit", "COMPLETED"),
    ]
    first, second, _, late, spread = jobs
    assert first.memory_mb == pytest.approx((177948 + 322884) / 1024)
    assert first.cpu_minutes == pytest.approx(6.554 / 60)
    assert (second.memory_mb, second.asked_mb, second.cpus, second.minutes, second.cpu_minutes) == (512, 4096, 2, 2, 3)
    assert (late.asked_minutes, late.minutes, late.cpu_minutes) == (480, 480, 478)
    assert late.memory_mb == pytest.approx(512 / 1024**2)  # a number alone is bytes
    assert (spread.asked_mb, spread.memory_mb, spread.cpu_minutes) == (1024, None, None)


def test_rules_use_as_a_table() -> None:
    ingest, duplicates, edit = by_rule(parse_sacct(SACCT, {"8": "edit"}), whole_job=True)
    assert (ingest.jobs, ingest.asked_mb, ingest.most_mb, ingest.longest, ingest.could_mb) == (2, 4096, 512, 2, 1000)
    assert ingest.cpu_share == pytest.approx((3 + 6.554 / 60) / (4 + 13 / 60))
    assert (duplicates.otherwise, duplicates.most_mb, duplicates.could_minutes) == ("1 CANCELLED", None, None)
    assert (edit.otherwise, edit.could_minutes) == ("1 TIMEOUT", None)  # nobody knows how long they would have taken
    assert edit.short_cells() == ["edit", "2", "? of 4,000", "10.0 of 480", "", "", "1 TIMEOUT"]


def test_beside_a_command_a_slurm_job_holds_two_snakemakes() -> None:
    job = Used("edit", "COMPLETED", 1000.0, 100.0, 50.0, 1, 4000.0, 480.0)
    assert by_rule([job], whole_job=False)[0].could_mb == 2000
    assert by_rule([job], whole_job=True)[0].could_mb == 1500
    assert by_rule([job], whole_job=True)[0].could_minutes == 200


def test_benchmark_files_stand_in(tmp_path: Path) -> None:
    head = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
    (tmp_path / "edit").mkdir()
    (tmp_path / "edit" / "00000.tsv").write_text(head + "90.0\t0:01:30\t160.88\t1713.58\t88.46\t102.07\t0.00\t3.07\t45.60\t45.0\n")
    (tmp_path / "card.tsv").write_text(head + "0.1\t0:00:00\tNA\tNA\tNA\tNA\tNA\tNA\tNA\tNA\n")
    (tmp_path / "empty.tsv").write_text("")
    edit = Asked("edit", "gpu-b", None, 4000.0, 480.0, 2, 1)
    card, one = from_benchmarks(tmp_path, {"edit": edit})
    assert (one.rule, one.memory_mb, one.minutes, one.cpu_minutes, one.cpus, one.asked_minutes) == ("edit", 160.88, 1.5, 0.75, 2, 480)
    assert (card.rule, card.memory_mb, card.cpu_minutes, card.asked_mb) == ("card", None, None, None)


def test_heads_are_told_from_snakemakes_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my run.yaml").write_text("paths: {results: made, scratch: scratch}\n")
    path = snakemake_log(tmp_path)
    snakemake_log(tmp_path, "Congratulations, your workflow is in a good condition!\n", "2026-11-24T000000.000000")
    snakemake_log(tmp_path, LOG.replace("FOLDER/my run.yaml", "FOLDER/other.yaml"), "2026-11-26T000000.000000")
    (head,) = heads(tmp_path, Path("made"))
    assert head == read_head(path)
    assert (head.host, head.run_id, head.date, head.configfiles) == ("login1", RUN, "2026-11-25 00:36:39", (tmp_path / "my run.yaml",))
    assert list(submitted(path)) == [("5", "ingest"), ("8", "edit")]
    assert len(heads(tmp_path, Path("results"))) == 1


def efficiency(folder: Path, *arguments: str) -> tuple[int, str]:
    profile = REPOSITORY / "profiles/slurm"
    command = [sys.executable, str(REPOSITORY / "workflow/scripts/efficiency.py"), "--profile", str(profile), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    return slurm_on_path(tmp_path / "slurm", monkeypatch)


def test_the_command_asks_accounting_for_the_runs_of_this_folder(slurm: Slurm, tmp_path: Path) -> None:
    snakemake_log(tmp_path)
    slurm.says("sacct", RUN, SACCT)
    status, said = efficiency(tmp_path)
    assert status == 0, said
    with (tmp_path / "results/benchmarks/efficiency.csv").open() as stream:
        rows = {row["rule"]: row for row in csv.DictReader(stream)}
    assert list(rows) == ["ingest", "duplicates", "edit"]
    assert rows["ingest"]["could ask (MB)"] == "1000"
    assert rows["edit"]["ended otherwise"] == "1 TIMEOUT"
    assert "| ingest | 2 |  | 4,096 | 512 |" in (tmp_path / "results/benchmarks/efficiency.md").read_text()
    (call,) = [call for call in slurm.calls if call.startswith("sacct")]
    assert f"--name={RUN} --starttime=2026-11-25T00:36:39" in call


def test_the_command_takes_benchmark_files_where_nothing_is_accounted(slurm: Slurm, tmp_path: Path) -> None:
    snakemake_log(tmp_path)
    slurm.says("sacct", RUN, "Slurm accounting storage is disabled\n", 1)
    status, said = efficiency(tmp_path)
    assert (status, "holds no benchmark record yet" in said) == (1, True)
    folder = tmp_path / "results/benchmarks/edit"
    folder.mkdir(parents=True)
    (folder / "00000.tsv").write_text("s\tmax_rss\tcpu_time\n60\t1000\t30\n")
    status, said = efficiency(tmp_path)
    assert status == 0, said
    assert "Slurm accounting storage is disabled" in said
    text = (tmp_path / "results/benchmarks/efficiency.md").read_text()
    assert "| edit | 1 |" in text and "| 2,000 | 10 |" in text
    status, said = efficiency(tmp_path, "--source", "sacct")
    assert (status, "--source benchmarks takes the benchmark files" in said) == (1, True)
