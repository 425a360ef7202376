"""`make resume`: what a killed Snakemake left running is found, shown, waited for or cancelled, and nothing else (issue 6)."""

import json
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from checkout import REPOSITORY
from made_slurm import Slurm, slurm_on_path
from unicedit.cluster.job import SlurmJob, configfiles_of, parse_jobs
from unicedit.cluster.orphan import Orphan, Run, cancel_all, find, refuse_living_head, wait_for
from unicedit.cluster.process import end, is_head, is_rule, only_waits, working_in
from unicedit.errors import PipelineError

MINE, OTHER, UNKNOWN = (f"{digit * 8}-aaaa-bbbb-cccc-{digit * 12}" for digit in "123")
# a job's script as Snakemake's executor has it wrapped, made shorter
SCRIPT = """\
#!/bin/sh
# This script was created by sbatch --wrap.

/opt/env/bin/python -m snakemake --snakefile '/w/Snakefile' --target-jobs 'edit:shard=00001' --cores 'all' --attempt 1 --configfiles FILES \
--set-resources base64//aW5zdHJ1Y3Q= --executor slurm-jobstep --jobs 1 --mode 'remote'
"""


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    return slurm_on_path(tmp_path / "slurm", monkeypatch)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    folder = (tmp_path / "my run").resolve()
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "other.yaml").write_text("paths: {results: results-other, scratch: scratch-other}\n")
    return Run(folder, Path("results"), Path("scratch"))


def head(run: Run, run_id: str, config: str = "", host: str = "", date: str = "2026-11-25") -> None:
    path = run.folder / ".snakemake" / "log" / f"{date}T00{len(config):02d}{run_id[0]}.000000.snakemake.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    files = f"PosixPath('{run.folder / config}'), " if config else ""
    submitted = f"SLURM run ID: {run_id}\n" if run_id != "local" else ""
    path.write_text(
        f"SNAKEMAKE\n=========\n  Date: {date} 00:00:00\n  Host: {host or platform.node()}\n  Command: snakemake all\n"
        f"  Config file(s): [{files}'config/config.yaml']\n\nBuilding DAG of jobs...\n{submitted}"
    )


def line(
    run: Run,
    job: str,
    name: str,
    comment: str,
    *,
    state: str = "RUNNING",
    reason: str = "None",
    folder: Path | None = None,
    command: str = "",
) -> str:
    return "\t".join([job, state, reason, "cpu", str(folder or run.folder), command or "(null)", comment, name]) + "\n"


def queue(slurm: Slurm, text: str) -> None:
    """What squeue says until scancel was called."""
    (slurm.bin.parent / "queue").write_text(text)
    (slurm.bin / "squeue").write_text(
        f"#!/bin/sh\nb='{slurm.bin.parent}'; echo \"squeue $*\" >> $b/calls; [ -e $b/gone ] || cat $b/queue\n"
    )
    (slurm.bin / "scancel").write_text(f"#!/bin/sh\nb='{slurm.bin.parent}'; echo \"scancel $*\" >> $b/calls; touch $b/gone\n")
    (slurm.bin / "scancel").chmod(0o755)


def test_jobs_as_squeue_shows_them(run: Run) -> None:
    text = line(run, "7_3", MINE, "rule_edit_wildcards_00001") + line(run, "8", "a\tb", "x") + "broken\n"
    first, second = parse_jobs(text)
    assert (first.job_id, first.what, first.of_snakemake, first.of_submitit) == ("7_3", "edit 00001", True, False)
    assert (second.name, second.of_snakemake) == ("a\tb", False)


@pytest.mark.parametrize(
    ("name", "comment", "wanted"),
    [
        (MINE, "rule_card", True),
        (f"lab_{MINE}", "group_x", True),
        (MINE, "mine", False),
        ("rule_card", "rule_card", False),
        (f"{MINE}x", "rule_card", False),
    ],
)
def test_jobs_of_snakemake_bear_its_names(name: str, comment: str, wanted: bool) -> None:
    assert SlurmJob("1", "RUNNING", "None", "cpu", Path("/w"), "", comment, name).of_snakemake is wanted


def test_configuration_files_stand_in_a_jobs_script() -> None:
    assert configfiles_of(SCRIPT.replace("FILES", "/w/a.yaml '/w/my b.yaml'")) == [Path("/w/a.yaml"), Path("/w/my b.yaml")]
    assert configfiles_of(SCRIPT.replace("--configfiles FILES ", "")) == []
    assert configfiles_of("#!/bin/sh\nsleep 5\n") is None


def test_only_this_runs_jobs_are_found(run: Run, slurm: Slurm) -> None:
    head(run, MINE)
    head(run, OTHER, "other.yaml")
    (run.results / "verifier" / "sft").mkdir(parents=True)
    record = {"mode": "slurm", "job_id": "20", "training": "t", "output": "o", "host": "", "started": 0.0}
    (run.results / "verifier" / "sft" / "job.json").write_text(json.dumps(record))
    slurm.says("scontrol", "batch_script 5", SCRIPT.replace("FILES", f"'{run.folder / 'other.yaml'}'"))
    slurm.says("scontrol", "batch_script 6", "scontrol: error: job script retrieval failed: Access/permission denied\n", 1)
    slurm.says("scontrol", "batch_script 9", "#!/bin/sh\necho the cluster's weather\n")
    submission = "submitit/submission_file_ab.sh"
    text = (
        line(run, "1", MINE, "rule_edit_wildcards_00001")
        + line(run, "2_4", MINE, "rule_verify_wildcards_00002", state="PENDING", reason="Priority")
        + line(run, "3", OTHER, "rule_edit_wildcards_00001")
        + line(run, "4", MINE, "rule_edit_wildcards_00003", folder=Path("/elsewhere"))
        + line(run, "5", UNKNOWN, "rule_edit_wildcards_00004")
        + line(run, "6", UNKNOWN.replace("3", "4"), "rule_card")
        + line(run, "9", "weather", "(null)")
        + line(run, "20", "unicedit-sft", "(null)", command=f"/old/scratch/{submission}")
        + line(run, "21", "unicedit-d2po", "(null)", command=f"{run.folder}/scratch/training/d2po/x/{submission}")
        + line(run, "22", "unicedit-sft", "(null)", command=f"{run.folder}/scratch-other/training/sft/x/{submission}")
    )
    queue(slurm, text)
    assert find(run) == [
        Orphan("job", "1", "edit 00001", "RUNNING"),
        Orphan("job", "2_4", "verify 00002", "PENDING (Priority)"),
        Orphan("job", "6", "card", "RUNNING"),
        Orphan("training", "20", "unicedit-sft", "RUNNING"),
        Orphan("training", "21", "unicedit-d2po", "RUNNING"),
    ]
    (run.folder / "other.yaml").rename(run.folder / "elsewhere.yaml")  # then nothing tells what job 5 works for
    assert "5" in {one.ident for one in find(run)}
    (run.folder / "elsewhere.yaml").rename(run.folder / "other.yaml")
    assert {one.ident for one in find(Run(run.folder, Path("results-other"), Path("scratch-other")))} >= {"3", "5", "22"}


def test_a_job_that_runs_snakemake_itself_is_never_taken_for_an_orphan(run: Run, slurm: Slurm) -> None:
    queue(slurm, line(run, "9", "night", "(null)"))
    slurm.says("scontrol", "batch_script 9", "#!/bin/bash\nsource .venv/bin/activate\nsnakemake --profile slurm all\n")
    with pytest.raises(PipelineError, match="Slurm job 9 \\(night\\) runs Snakemake in this folder"):
        find(run)


def test_cancelling_waits_until_slurm_has_ended_the_jobs(run: Run, slurm: Slurm) -> None:
    head(run, MINE)
    queue(
        slurm,
        line(run, "1", MINE, "rule_edit_wildcards_00001")
        + line(run, "20", "unicedit-sft", "", command=f"{run.folder}/scratch/submission_file_a.sh"),
    )
    said: list[str] = []
    cancel_all(run, said.append)
    assert [call for call in slurm.calls if call.startswith("scancel")] == ["scancel 1 20"]
    assert find(run) == []


def test_a_job_that_slurm_does_not_end_is_named(run: Run, slurm: Slurm) -> None:
    head(run, MINE)
    queue(slurm, line(run, "1", MINE, "rule_edit_wildcards_00001", state="COMPLETING"))
    slurm.says("scancel", "", "")
    with pytest.raises(PipelineError, match=r"does not end 1 \(COMPLETING\) within 1 s"):
        cancel_all(run, lambda _: None, patience=1.0)


def test_waiting_lets_jobs_end_and_trainings_go_on(run: Run, slurm: Slurm) -> None:
    head(run, MINE)
    training = line(run, "20", "unicedit-sft", "", command=f"{run.folder}/scratch/submission_file_a.sh")
    queue(slurm, line(run, "1", MINE, "rule_edit_wildcards_00001") + training)
    folder = slurm.bin.parent
    # the third answer is an error, the fourth is without the job
    (slurm.bin / "squeue").write_text(
        f"""#!/bin/sh
echo x >> '{folder}/asked'
case $(cat '{folder}/asked' | while read l; do printf %s "$l"; done) in
x|xx) cat '{folder}/queue' ;;
xxx) echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1 ;;
*) tail='{training.strip()}'; printf '%s\\n' "$tail" ;;
esac
"""
    )
    said: list[str] = []
    wait_for(run, said.append, pause=0.05)
    assert said[0] == "waiting for 1: 1 edit 00001 RUNNING"
    assert "Slurm does not answer, asking again" in said[1]
    assert [one.ident for one in find(run)] == ["20"]
    assert not [call for call in slurm.calls if call.startswith("scancel")]


HEAD_LINE = ["/opt/env/bin/python", "/opt/env/bin/snakemake", "--profile", "slurm", "all"]
RULE_LINE = ["/opt/env/bin/python", "workflow/scripts/edit.py", "--seal", "results/edit/00001.json", "--map", "{}"]


def test_command_lines() -> None:
    assert is_head(HEAD_LINE) and is_head(["python3", "-m", "snakemake", "all"]) and is_head(["snakemake", "--cores", "2"])
    assert not is_head([*HEAD_LINE, "-n"]) and not is_head([*HEAD_LINE, "--unlock"])
    assert (
        not is_head(["python", "-m", "snakemake", "--target-jobs", "edit:shard=1"])
        and not is_head(["vim", "snakemake"])
        and not is_head([])
    )
    folder = Path("/w")
    assert is_rule(RULE_LINE, Path("/w/results"), folder)
    assert not is_rule(RULE_LINE, Path("/w/results-photos"), folder)
    assert not is_rule(["bash", "-c", " ".join(RULE_LINE)], Path("/w/results"), folder)
    assert not is_rule(["python", "workflow/scripts/status.py"], Path("/w/results"), folder)
    assert not only_waits(RULE_LINE) and not only_waits([*RULE_LINE, "--launch", '{"mode": "in_process"}'])
    assert only_waits([*RULE_LINE, "--launch", '{"mode": "slurm"}'])


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()


def start(run: Run, started: list[subprocess.Popen[bytes]], name: str, *arguments: str, body: str = "import time; time.sleep(60)") -> int:
    """A process in the run's folder that looks like a command."""
    path = run.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body)
    started.append(subprocess.Popen([sys.executable, name, *arguments], cwd=run.folder))
    deadline = time.monotonic() + 20
    while not any(name in words for _, words in working_in(run.folder)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return started[-1].pid


def test_a_living_snakemake_is_left_alone(run: Run, started: list[subprocess.Popen[bytes]]) -> None:
    refuse_living_head(run, head_is_gone=False)
    pid = start(run, started, "snakemake", "--cores", "2", "all")
    with pytest.raises(PipelineError, match=f"a Snakemake works in this folder: process {pid}"):
        refuse_living_head(run, head_is_gone=True)


def test_a_head_on_another_machine_takes_the_users_word(run: Run) -> None:
    head(run, "local", host="login2")
    refuse_living_head(run, head_is_gone=False)  # it unlocked the folder, so it ended by itself
    (run.folder / ".snakemake" / "locks").mkdir()
    (run.folder / ".snakemake" / "locks" / "0.output.lock").write_text("results/x\n")
    with pytest.raises(PipelineError, match=r"worked on login2, and this is .* make resume HEAD=gone"):
        refuse_living_head(run, head_is_gone=False)
    refuse_living_head(run, head_is_gone=True)
    head(run, "local", date="2026-11-26")
    refuse_living_head(run, head_is_gone=False)


STUBBORN = """
import pathlib, signal, time
def stop(*_):
    pathlib.Path("told").touch()
signal.signal(signal.SIGTERM, stop)
pathlib.Path("ready").touch()
while True:
    time.sleep(0.05)
"""


def test_commands_of_rules_are_found_and_ended(run: Run, slurm: Slurm, started: list[subprocess.Popen[bytes]]) -> None:
    queue(slurm, "")
    start(run, started, "workflow/scripts/status.py")
    start(run, started, "workflow/scripts/ingest.py", "--seal", "results-other/ingest/00000.json")
    pid = start(run, started, "workflow/scripts/edit.py", "--seal", "results/edit/00000.json")
    waiter = start(run, started, "workflow/scripts/sft.py", "--seal", "results/sft.json", "--launch", '{"mode": "slurm"}')
    assert [(one.kind, one.ident, one.what) for one in sorted(find(run), key=lambda one: one.kind)] == [
        ("process", str(pid), "edit"),
        ("waiter", str(waiter), "sft"),
    ]
    cancel_all(run, lambda _: None)
    assert find(run) == []
    assert [process.poll() is None for process in started] == [True, True, False, False]


def test_who_does_not_end_on_sigterm_is_killed(run: Run, started: list[subprocess.Popen[bytes]]) -> None:
    pid = start(run, started, "stubborn.py", body=STUBBORN)
    while not (run.folder / "ready").exists():
        time.sleep(0.02)
    end(pid, patience=0.5)
    assert (run.folder / "told").exists()
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    end(pid, patience=0.5)  # of one that is gone nothing is asked


def test_a_run_that_used_slurm_cannot_go_on_where_it_is_not(run: Run, slurm: Slurm) -> None:
    slurm.says("squeue", "", "slurm_load_jobs error: Unable to contact slurm controller\n", 1)
    assert find(run) == []  # Slurm's commands, but a run that never asked them
    head(run, MINE)
    with pytest.raises(PipelineError, match="Unable to contact slurm controller"):
        find(run)
    slurm.lacks("squeue")
    with pytest.raises(PipelineError, match="which this machine has no commands of"):
        find(run)


SNAKEMAKE = """#!/bin/sh
echo "$*" >> asked
case "$*" in *--unlock*) rm -r .snakemake/locks; exit 0 ;; esac
echo 'Job stats:'
"""


def resume(run: Run, *arguments: str) -> tuple[int, str]:
    command = [
        sys.executable,
        str(REPOSITORY / "workflow/scripts/resume.py"),
        "--pause",
        "0.1",
        *arguments,
        "--",
        "./made",
        "--cores",
        "2",
        "all",
    ]
    done = subprocess.run(command, cwd=run.folder, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def locked(run: Run) -> Run:
    (run.folder / "made").write_text(SNAKEMAKE)
    (run.folder / "made").chmod(0o755)
    (run.folder / ".snakemake" / "locks").mkdir(parents=True)
    (run.folder / ".snakemake" / "locks" / "0.output.lock").write_text("results/x\n")
    return run


def test_a_local_run_is_unlocked_and_goes_on(locked: Run, slurm: Slurm) -> None:
    slurm.lacks("squeue")
    status, said = resume(locked)
    assert status == 0, said
    assert said.splitlines()[:4] == [
        "There is no Slurm on this machine: processes were looked for, nothing else.",
        "Nothing of the killed run is left running.",
        "The folder is unlocked.",
        "Going on: ./made --cores 2 all",
    ]
    assert (locked.folder / "asked").read_text().splitlines() == ["--cores 2 all --unlock", "--cores 2 all"]


def test_nothing_goes_on_while_jobs_work_unless_asked(locked: Run, slurm: Slurm) -> None:
    head(locked, MINE)
    queue(slurm, line(locked, "1", MINE, "rule_edit_wildcards_00001"))
    status, said = resume(locked)
    assert status == 1
    assert "job       Slurm job 1: edit 00001, RUNNING" in said
    assert "error: 1 jobs of the killed run still work: make resume MODE=wait lets them end, MODE=cancel ends them" in said
    assert not (locked.folder / "asked").exists()
    status, said = resume(locked, "--mode", "cancel")
    assert status == 0, said
    assert "cancelling 1 Slurm jobs" in said
    assert (locked.folder / "asked").read_text().splitlines() == ["--cores 2 all --unlock", "--cores 2 all"]


def test_a_folder_that_cannot_be_unlocked_is_an_error(locked: Run, slurm: Slurm) -> None:
    queue(slurm, "")
    (locked.folder / "made").write_text("#!/bin/sh\necho 'config: edit.foo: unknown key' >&2\nexit 1\n")
    status, said = resume(locked)
    assert status == 1
    assert "error: the folder cannot be unlocked: config: edit.foo: unknown key" in said
