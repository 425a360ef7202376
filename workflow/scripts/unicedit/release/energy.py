"""The energy of making the dataset: what was measured, and an estimate from hours and rated power. Nothing known is nothing said, never 0."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unicedit.cluster.energy import JobsEnergy, energy_of_run
from unicedit.config.model import Config
from unicedit.files import read_json
from unicedit.monitor.rapl import FOLDER
from unicedit.plan.rates import Device, Power, RateTable
from unicedit.plan.work import computes_on_gpu, gpus_of_job
from unicedit.release.cost import STAGES, StageCost

JOULES = 3.6e6  # of a kilowatt-hour


@dataclass(frozen=True, slots=True)
class Energy:
    """A figure in kilowatt-hours: who it comes from, and what it covers."""

    source: str
    kwh: float
    covers: str

    def carbon(self, grams: float) -> float:
        """Kilograms of CO2 at so many grams a kilowatt-hour of the grid."""
        return self.kwh * grams / 1000


@dataclass(frozen=True, slots=True)
class Rated:
    """What an estimate takes: rated power by device, and GPUs of one job by stage, for stages that compute on any."""

    power: Mapping[Device, Power]
    gpus: Mapping[str, int]


def rated(config: Config, table: RateTable) -> Rated:
    """The rated power of the table of rates, for the engines of a configuration."""
    gpus = {stage: gpus_of_job(stage, config) for stage in STAGES if computes_on_gpu(stage, config, table)}
    return Rated({one.device: one for one in reversed(table.power)}, gpus)


def measured(folder: Path, results: Path, given_kwh: float | None) -> list[Energy]:
    """What was metered by people, by Slurm for the jobs submitted from ``folder``, and by this machine's counters while runs were watched."""
    found = [] if given_kwh is None else [Energy("metered", given_kwh, "what the publisher's meter saw")]
    jobs = energy_of_run(folder, results, STAGES)
    if jobs is not None:
        found.append(of_jobs(jobs))
    return found + of_counters(results)


def of_jobs(jobs: JobsEnergy) -> Energy:
    """The line of Slurm's accounting."""
    covers = f"{jobs.measured:,} of {jobs.jobs:,} jobs; a node that jobs shared counts wholly for each of them"
    return Energy("measured by Slurm", jobs.joules / JOULES, covers)


def of_counters(results: Path) -> list[Energy]:
    """The line of the machine's own counters; none where no run was measured."""
    records = [read_json(path) for path in sorted((results / FOLDER).glob("*.json"))]
    if not records:
        return []
    parts = sorted({name for one in records for name in one["domains"]})
    hours = sum(one["seconds"] for one in records) / 3600
    covers = f"{' and '.join(parts)} counters of the machine over {hours:,.2f} hours of runs, its other work too; no GPU, disk, fan or power supply"
    return [Energy("measured by the machine", sum(one["joules"] for one in records) / JOULES, covers)]


def estimate(costs: Sequence[StageCost], about: Rated) -> Energy | None:
    """Job hours times GPUs times a GPU's rated power, plus processor hours times a core's; None where no stage has a record.

    Stages without a figure that they need are named and not counted: the sum is then too small. Rated power is the most that a device draws: else it is too large.
    """
    counted: list[str] = []
    watt_hours = 0.0
    for cost in costs:
        found = _watt_hours(cost, about)
        if found is not None:
            counted.append(cost.stage)
            watt_hours += found
    if not counted:
        return None
    left = [cost.stage for cost in costs if cost.stage not in counted]
    uses = ["cpu", *(["gpu"] if about.gpus.keys() & set(counted) else [])]
    named = [f"{one.watts:g} W a {one.per} ({one.hardware}; {one.source})" for one in about.power.values() if one.device in uses]
    covers = f"processor hours times rated power{', plus hours of jobs times GPUs times theirs' if 'gpu' in uses else ''}: {'; '.join(named)}; no cooling, no disks"
    return Energy(
        "**estimate**", watt_hours / 1000, covers + (f"; without {', '.join(left)}, whose time or power is not known" if left else "")
    )


def _watt_hours(cost: StageCost, about: Rated) -> float | None:
    gpus = about.gpus.get(cost.stage, 0)
    core, card = about.power.get("cpu"), about.power.get("gpu")
    if cost.cpu_hours is None or core is None or (gpus and card is None):
        return None
    return cost.cpu_hours * core.watts + (cost.hours * gpus * card.watts if card else 0.0)
