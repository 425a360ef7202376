"""Processes of this machine that work in a folder: a Snakemake, commands of its rules, a job that is being submitted."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil

# the first: a Snakemake that Slurm started for one job
_NOT_A_HEAD = ("--target-jobs", "--unlock", "-n", "--dry-run", "--dryrun", "--lint")


def _words(process: psutil.Process) -> list[str]:
    return [str(word) for word in process.cmdline()]


def working_in(folder: Path) -> Iterator[tuple[psutil.Process, list[str]]]:
    """This user's living processes whose working folder is ``folder``, with their command lines; not this one, nor those that started it."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for process in psutil.process_iter():
        try:
            if process.pid in own or process.uids().real != os.getuid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if Path(process.cwd()) == folder:
                yield process, _words(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # it ended while it was looked at, or is somebody else's


def slurm_job_of(process: psutil.Process) -> str:
    """The Slurm job a process is part of; empty for none."""
    try:
        return str(process.environ().get("SLURM_JOB_ID", ""))
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""


def is_head(words: Sequence[str]) -> bool:
    """Whether a command line is that of a Snakemake that runs a workflow."""
    starts = [Path(word).name for word in words[:4]]
    named = "snakemake" in starts and (starts[0] == "snakemake" or starts[0].startswith("python"))
    return named and not any(word in _NOT_A_HEAD for word in words)


def is_rule(words: Sequence[str], results: Path, folder: Path) -> bool:
    """Whether a command line is that of a rule's command, which seals into ``results``."""
    if len(words) < 2 or not Path(words[0]).name.startswith("python") or "workflow/scripts" not in words[1] or "--seal" not in words[:-1]:
        return False
    seal = folder / words[words.index("--seal") + 1]
    return results.resolve() in seal.resolve().parents


def only_waits(words: Sequence[str]) -> bool:
    """Whether a rule's command, one that ``is_rule``, waits for a training that was submitted, and does not compute itself."""
    if "--launch" not in words[:-1]:
        return False
    return bool(json.loads(words[words.index("--launch") + 1])["mode"] != "in_process")


def is_submitting(words: Sequence[str]) -> bool:
    """Whether a job is being submitted."""
    return bool(words) and Path(words[0]).name == "sbatch"


def end(pid: int, patience: float) -> None:
    """End a process and those it started: SIGTERM, so that journals are flushed, and after ``patience`` seconds SIGKILL."""
    try:
        process = psutil.Process(pid)
        tree = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for one in tree:
        _signal(one.terminate)
    _, left = psutil.wait_procs(tree, timeout=patience)
    for one in left:
        _signal(one.kill)
    psutil.wait_procs(left, timeout=10)


def _signal(send: Callable[[], None]) -> None:
    try:
        send()
    except psutil.NoSuchProcess:
        return
