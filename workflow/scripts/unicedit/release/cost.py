"""What making the dataset took, as far as it was measured: time from the benchmark record of every job, requests and money from the accounts of models."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unicedit.cluster.used import from_benchmarks
from unicedit.stages import SHARD_STAGES, TRAININGS
from unicedit.vlm.spent import Spent, spent_in

STAGES = ("duplicates", *SHARD_STAGES, "samples", "training_data", *TRAININGS)


@dataclass(frozen=True, slots=True)
class StageCost:
    """One stage: jobs with a record, their hours one after the other, processor hours (None where no job was measured), and what it asked of models."""

    stage: str
    jobs: int
    hours: float
    cpu_hours: float | None
    spent: Spent | None


def costs(results: Path, stages: Sequence[str] = STAGES) -> list[StageCost]:
    """The stages that left a record. A job that was repeated counts with its last attempt."""
    jobs = defaultdict(list)
    for job in from_benchmarks(results / "benchmarks", {}):
        jobs[job.rule].append(job)
    found = []
    for stage in stages:
        usage = results / "usage" / stage
        spent = spent_in(usage) if usage.is_dir() else None
        if not jobs[stage] and spent is None:
            continue
        processor = [job.cpu_minutes for job in jobs[stage] if job.cpu_minutes is not None]
        hours = sum(job.minutes for job in jobs[stage]) / 60
        found.append(StageCost(stage, len(jobs[stage]), hours, sum(processor) / 60 if processor else None, spent))
    return found
