"""What a killed Snakemake left running: its Slurm jobs, its trainings, and commands of its rules on this machine."""

import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from unicedit.cluster.head import Head, heads, read_heads
from unicedit.cluster.job import SlurmJob, by_run, cancel, configfiles_of, jobs_of_user, script_of
from unicedit.cluster.process import end, is_head, is_rule, is_submitting, only_waits, slurm_job_of, working_in
from unicedit.cluster.slurm import SlurmError, installed
from unicedit.errors import PipelineError
from unicedit.files import read_json
from unicedit.monitor.places import places_of

Kind = Literal["job", "training", "process", "waiter"]  # the last: a command that waits for a training
PATIENCE_SECONDS = 60.0  # for a process to flush its journal; as long as Slurm's KillWait usually is
CANCEL_SECONDS = 900.0  # for Slurm to end a job: its node may be slow to answer
SUBMITTING_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Orphan:
    """One of them. ``ident`` is a Slurm job or a process of this machine."""

    kind: Kind
    ident: str
    what: str
    state: str
    slurm: bool = True


@dataclass(frozen=True, slots=True)
class Run:
    """A run whose Snakemake is gone: where it worked, and what it worked for."""

    folder: Path
    results: Path
    scratch: Path

    def heads(self) -> list[Head]:
        return heads(self.folder, self.results)


def refuse_living_head(run: Run, *, head_is_gone: bool) -> None:
    """Raise ``PipelineError`` where a Snakemake still works in the folder, here or in a Slurm job, or may do so on another machine."""
    for process, words in working_in(run.folder):
        if is_head(words):
            raise PipelineError(
                f"a Snakemake works in this folder: process {process.pid} ({' '.join(words)[:120]}); let it end, or end it, first"
            )
    left = run.heads()
    locked = any((run.folder / ".snakemake" / "locks").glob("*.lock"))
    if left and locked and left[-1].host != platform.node() and not head_is_gone:
        raise PipelineError(
            f"the last Snakemake of this run worked on {left[-1].host}, and this is {platform.node()}: make sure that it is gone "
            f"(ssh {left[-1].host} pgrep -af snakemake), then make resume HEAD=gone"
        )


def submitting(folder: Path) -> bool:
    """Whether a job is being submitted from a folder: the killed Snakemake's last words, which no queue shows yet."""
    return any(is_submitting(words) for _, words in working_in(folder))


def find(run: Run) -> list[Orphan]:
    """What is left of a run. Raises ``PipelineError`` where Slurm has to be asked and cannot be, or where one of its jobs may be the Snakemake itself."""
    rules = [(process, words) for process, words in working_in(run.folder) if is_rule(words, run.results, run.folder)]
    jobs = [one for one in _jobs(run) if one.folder == run.folder and one.job_id != os.environ.get("SLURM_JOB_ID")]
    found = [Orphan("job", one.job_id, one.what, _state(one)) for one in _of_run(run, jobs)]
    within = {one.ident for one in found}  # where this machine is a node too
    found += [
        Orphan("waiter" if only_waits(words) else "process", str(process.pid), Path(words[1]).stem, _status(process), slurm=False)
        for process, words in rules
        if slurm_job_of(process) not in within
    ]
    found += _local_trainings(run)
    records = {record["job_id"] for record in _records(run, "slurm")}
    scratch = run.scratch.resolve()
    found += [
        Orphan("training", one.job_id, one.what, _state(one))
        for one in jobs
        if one.of_submitit and (one.job_id.split("_")[0] in records or scratch in Path(one.command).parents)
    ]
    for one in jobs:
        if not one.of_snakemake and not one.of_submitit and is_head_script(script_of(one)):
            raise PipelineError(
                f"Slurm job {one.job_id} ({one.name}) runs Snakemake in this folder; let it end, or scancel {one.job_id}, first"
            )
    return found


def _jobs(run: Run) -> list[SlurmJob]:
    """This user's jobs; none where there is no Slurm to ask, and the run never asked one. Raises ``PipelineError`` where it did."""
    used = any(one.run_id for one in run.heads()) or bool(_records(run, "slurm"))
    if not installed():
        if used:
            raise PipelineError(
                "this run has submitted jobs to Slurm, which this machine has no commands of; run this where it was started"
            )
        return []
    try:
        return jobs_of_user()
    except SlurmError:
        if used:
            raise
        return []


def _status(process: psutil.Process) -> str:
    try:
        return str(process.status())
    except psutil.NoSuchProcess:
        return "ended"


def is_head_script(script: str) -> bool:
    """Whether a job's script starts Snakemake, itself or through make."""
    lines = [line.split("#")[0].split() for line in script.splitlines()]
    return any(Path(word).name in ("snakemake", "make") for line in lines for word in line)


def _state(job: SlurmJob) -> str:
    return job.state if job.reason in ("None", "") else f"{job.state} ({job.reason})"


def _of_run(run: Run, jobs: Sequence[SlurmJob]) -> list[SlurmJob]:
    """The jobs that a Snakemake of this run submitted. Of a Snakemake whose log is gone the job's own script tells; where nothing tells, the job counts."""
    known = {one.run_id: one.results() for one in read_heads(run.folder) if one.run_id}
    found: list[SlurmJob] = []
    for run_id, members in by_run(jobs).items():
        results = known.get(run_id)
        if results is None and (files := configfiles_of(script_of(members[0]))) is not None and all(path.is_file() for path in files):
            results = places_of(["--configfile", *map(str, files)])[0]
        if results is None or results.resolve() == run.results.resolve():
            found += members
    return found


def _records(run: Run, mode: str) -> list[dict[str, str]]:
    """Trainings that were submitted and have not been seen to end."""
    values = [read_json(path) for path in sorted((run.results / "verifier").rglob("job.json"))]
    return [value for value in values if isinstance(value, dict) and value.get("mode") == mode]


def _local_trainings(run: Run) -> list[Orphan]:
    found = []
    for record in _records(run, "local"):
        if record["host"] != platform.node():
            continue
        try:
            process = psutil.Process(int(record["job_id"]))
            if abs(process.create_time() - float(record["started"])) < 1 and process.status() != psutil.STATUS_ZOMBIE:
                found.append(Orphan("training", record["job_id"], Path(record["training"]).name, process.status(), slurm=False))
        except psutil.NoSuchProcess:
            continue
    return found


def wait_for(run: Run, say: Callable[[str], None], pause: float = 15.0) -> None:
    """Wait until jobs and processes of a run have ended. Its trainings go on: the run finds them again by their record, so whoever waits for one is ended."""
    last = None
    while True:
        try:
            left = [one for one in find(run) if one.kind != "training"]
            for one in left:
                if one.kind == "waiter":
                    end(int(one.ident), PATIENCE_SECONDS)
        except SlurmError as error:  # a controller may restart
            say(f"Slurm does not answer, asking again: {error}")
            time.sleep(pause)
            continue
        if not left and not submitting(run.folder):
            return
        line = (
            f"waiting for {len(left)}: " + ", ".join(f"{one.ident} {one.what} {one.state}" for one in left[:5]) + (" …" if left[5:] else "")
        )
        if line != last:
            say(line)
            last = line
        time.sleep(pause if len(left) > 3 else min(pause, 5.0))


def cancel_all(run: Run, say: Callable[[str], None], patience: float = CANCEL_SECONDS) -> None:
    """End jobs, trainings and processes of a run, and wait until they are gone. Raises ``PipelineError`` naming those that Slurm does not end."""
    deadline = time.monotonic() + patience
    asked: set[str] = set()
    while left := find(run):
        for one in left:
            if not one.slurm:
                say(f"ending process {one.ident} ({one.what})")
                end(int(one.ident), PATIENCE_SECONDS)
        new = [one.ident for one in left if one.slurm and one.ident not in asked]
        if new:
            say(f"cancelling {len(new)} Slurm jobs")
            try:
                cancel(new)
                asked |= set(new)
            except SlurmError as error:  # one of them ended by itself, or the controller is busy: the queue tells
                say(str(error))
        if time.monotonic() > deadline:
            names = ", ".join(f"{one.ident} ({one.state})" for one in left[:10])
            raise PipelineError(f"Slurm does not end {names} within {patience:.0f} s; ask your cluster's staff, then make resume again")
        time.sleep(1.0)
