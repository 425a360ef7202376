"""What Slurm's accounting knows of the energy of a run's jobs (``AcctGatherEnergyType``)."""

import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from unicedit.cluster.head import heads, submitted
from unicedit.cluster.slurm import SlurmError, ask
from unicedit.cluster.used import rule_of

FIELDS = "JobIDRaw,ConsumedEnergyRaw,Comment"
_NOT_KNOWN = (0, 2**32 - 2, 2**32 - 1, 2**64 - 2, 2**64 - 1)  # nothing gathers it, or Slurm's own signs for no value


@dataclass(frozen=True, slots=True)
class JobsEnergy:
    """Joules of ``measured`` jobs of ``jobs``."""

    joules: int
    measured: int
    jobs: int


def parse_energy(text: str, rules: Mapping[str, str], wanted: Collection[str]) -> JobsEnergy:
    """Energy of the jobs of some rules, from ``sacct --parsable2`` with this module's fields. ``rules``: of jobs whose comment is not stored.

    A job without a figure of its own has that of its largest step: steps run side by side on nodes whose whole energy each is given.
    """
    own: dict[str, int] = {}
    of_steps: dict[str, int] = {}
    for line in text.splitlines():
        name, figure, comment = [*line.split("|", 2), "", ""][:3]
        job, _, step = name.partition(".")
        joules = int(figure) if figure.isdecimal() and int(figure) not in _NOT_KNOWN else 0
        if not step:
            if rule_of(job, comment, rules) in wanted:
                own[job] = joules
        elif step != "extern":
            of_steps[job] = max(of_steps.get(job, 0), joules)
    found = [joules or of_steps.get(job, 0) for job, joules in own.items()]
    return JobsEnergy(sum(found), sum(1 for one in found if one), len(found))


def energy_of_run(folder: Path, results: Path, wanted: Collection[str]) -> JobsEnergy | None:
    """Energy of the jobs that the Snakemakes of ``folder`` submitted for ``results``; None where there were none, or no accounting tells of any energy."""
    own = [one for one in heads(folder, results) if one.run_id]
    if not own or not shutil.which("sacct"):
        return None
    rules = {job: rule for one in own for job, rule in submitted(one.log)}
    names, since = ",".join(one.run_id for one in own), own[0].date.replace(" ", "T")
    try:
        said = ask("sacct", "--noheader", "--parsable2", f"--name={names}", f"--starttime={since}", f"--format={FIELDS}")
    except SlurmError:
        return None  # a cluster without accounting measures nothing; the card says so
    found = parse_energy(said, rules, wanted)
    return found if found.measured else None
