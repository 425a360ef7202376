"""Slurm jobs of this user that wait, run or are about to end, and which Snakemake they are of."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from unicedit.cluster.slurm import SlurmError, ask

_FORMAT = "%i\t%T\t%r\t%P\t%Z\t%o\t%k\t%j"  # what may hold anything comes last
_COMMENT = re.compile(r"^(?:rule|group)_(.+?)(?:_wildcards_(.*))?$")
_RUN_ID = re.compile(r"(?:^|_)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_CONFIGFILES = re.compile(r"--configfiles((?: (?!-)(?:'[^']*'|\S+))+)")
_AT_ONCE = 200  # job ids on one command line


@dataclass(frozen=True, slots=True)
class SlurmJob:
    """A job as ``squeue`` shows it. ``command`` is the script that was submitted, ``comment`` and ``name`` what its submitter wrote."""

    job_id: str
    state: str
    reason: str
    partition: str
    folder: Path
    command: str
    comment: str
    name: str

    @property
    def of_snakemake(self) -> bool:
        """Whether Snakemake's Slurm executor submitted it: it names jobs by its run, and comments on their rule."""
        return bool(_COMMENT.match(self.comment) and _RUN_ID.search(self.name))

    @property
    def of_submitit(self) -> bool:
        """Whether it is a training that was submitted from a rule."""
        return self.name.startswith("unicedit-") and "submission_file_" in self.command

    @property
    def what(self) -> str:
        """The rule and its shard, or the training."""
        found = _COMMENT.match(self.comment)
        return f"{found[1]} {found[2] or ''}".strip() if found else self.name


def parse_jobs(text: str) -> list[SlurmJob]:
    """Jobs from ``squeue`` in this module's format; a job whose name or comment breaks its line is none of ours."""
    rows = [line.split("\t", _FORMAT.count("\t")) for line in text.splitlines()]
    whole = (row for row in rows if len(row) == _FORMAT.count("\t") + 1)
    return [
        SlurmJob(job_id, state, reason, partition, Path(folder), command, comment, name)
        for job_id, state, reason, partition, folder, command, comment, name in whole
    ]


def jobs_of_user() -> list[SlurmJob]:
    """Every job of this user, tasks of an array one by one. Raises ``SlurmError`` where the controller does not answer."""
    return parse_jobs(ask("squeue", "--me", "--noheader", "--array", f"--format={_FORMAT}"))


def script_of(job: SlurmJob) -> str:
    """The script a job runs; empty where the controller does not give it, as of a job that has ended meanwhile."""
    try:
        return ask("scontrol", "write", "batch_script", job.job_id.split("_")[0], "-")
    except SlurmError:
        return ""


def configfiles_of(script: str) -> list[Path] | None:
    """The configuration files that a job of Snakemake was given; None where the script tells nothing."""
    if "snakemake" not in script:
        return None
    found = _CONFIGFILES.search(script)
    return [Path(name.strip("'")) for name in re.findall(r"'[^']*'|\S+", found[1])] if found else []


def cancel(job_ids: Sequence[str]) -> None:
    """Tell Slurm to end jobs. Raises ``SlurmError`` when it does not take that."""
    for at in range(0, len(job_ids), _AT_ONCE):
        ask("scancel", *job_ids[at : at + _AT_ONCE])


def by_run(jobs: Iterable[SlurmJob]) -> dict[str, list[SlurmJob]]:
    """Jobs of Snakemake by the run that their name tells."""
    found: dict[str, list[SlurmJob]] = {}
    for job in jobs:
        if job.of_snakemake:
            found.setdefault(job.name, []).append(job)
    return found
