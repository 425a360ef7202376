"""What to change before a run: shards that make jobs too long or too many, storage that is not there."""

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unicedit.cluster.asked import Asked
from unicedit.config.model import Config
from unicedit.config.vlm import VlmSettings
from unicedit.plan.library import Pictures
from unicedit.plan.plan import Plan
from unicedit.plan.units import size, wall

MOST_JOBS = 25_000  # what a head process and a cluster's accounting bear well (docs/scale.md)
SHORTEST_MINUTES = 2.0  # starting Snakemake twice on a node takes half a minute (docs/slurm.md)
SIZED = ("ingest", "prefilter", "instruct", "edit", "verify", "assemble")
BATCH_MINUTES = 24 * 60.0  # in which providers answer a batch


@dataclass(frozen=True, slots=True)
class Limit:
    """The time limit of a rule's jobs in minutes, and who sets it."""

    minutes: float
    where: str


def limits(asked: Mapping[str, Asked], partitions: Mapping[str, float]) -> dict[str, Limit]:
    """The limit of each rule's jobs: of its partition where Slurm told it, else what the profile asks."""
    found = {}
    for rule, one in asked.items():
        if one.partition is not None and one.partition in partitions:
            found[rule] = Limit(partitions[one.partition], f"partition {one.partition}")
        elif one.minutes:
            found[rule] = Limit(one.minutes, "the profile's runtime")
    return found


def largest_job(plan: Plan, stage: str, pictures: Pictures) -> float | None:
    """Wall minutes of the stage's job of the largest shard."""
    line = plan.line(stage)
    if line.seconds is None:
        return None
    rows = line.given * pictures.most / max(1, plan.pictures)
    return (rows * line.seconds + line.startup) / line.devices / 60


def _round_down(number: float) -> int:
    """To two digits, as people write settings; at least 1."""
    step = 10 ** max(0, math.floor(math.log10(max(1.0, number))) - 1)
    return max(1, int(number // step * step))


def _to_fit(plan: Plan, stage: str, minutes: float) -> int:
    """Pictures a shard so that the stage's job takes so many minutes."""
    line = plan.line(stage)
    a_picture = (line.seconds or 0.0) * line.given / max(1, plan.pictures) / line.devices / 60
    left = minutes - line.startup / line.devices / 60
    return _round_down(left / a_picture) if a_picture and left > 0 else 1


def gpus_asked(plan: Plan, config: Config, asked: Mapping[str, Asked]) -> list[str]:
    """Stages whose jobs compute on other GPUs than the profile asks for, or cannot compute as they are set."""
    found = []
    for stage in ("prefilter", "instruct", "edit", "verify"):
        line = plan.line(stage)
        if line.device == "gpu" and stage in asked and asked[stage].gpus != line.devices:
            found.append(
                f"{stage}: a job computes on {line.devices} GPUs and the profile asks for {asked[stage].gpus}: set-resources: {stage}: gpu: {line.devices}"
            )
        settings = getattr(config, stage)
        if getattr(settings, "engine", None) == "vllm" and settings.vllm.tensor_parallel > 1 and config.map.workers_of(stage):
            found.append(
                f"{stage}: each worker process has one GPU, and {stage}.vllm.tensor_parallel is {settings.vllm.tensor_parallel}: map.stage_workers: {{{stage}: 0}}"
            )
    return found


def advice(plan: Plan, config: Config, pictures: Pictures, of_rule: Mapping[str, Limit], results: Path) -> list[str]:
    """What to change, one line each; a job is to fill at most half of its time limit."""
    found = _waits(plan, config, of_rule)
    tight: list[tuple[int, str]] = []
    sized = [stage for stage in SIZED if stage not in waiting_stages(config)]
    for stage in sized:
        minutes, limit = largest_job(plan, stage, pictures), of_rule.get(stage)
        if minutes is None or limit is None or minutes <= limit.minutes / 2:
            continue
        tight.append(
            (
                _to_fit(plan, stage, limit.minutes / 2),
                f"{stage}: a job of {pictures.most:,} pictures takes {wall(minutes / 60)}, more than half of the {wall(limit.minutes / 60)} that {limit.where} allows",
            )
        )
    found += [text for _, text in tight]
    if tight:
        smallest = min(fitting for fitting, _ in tight)
        text = f"so: library.shard_size: {smallest} (each tar is a shard of its own: pack smaller ones), a longer limit, or more GPUs a job (map.stage_workers)"
        then = sum(plan.jobs.values()) * pictures.most / smallest
        if then > MOST_JOBS:
            text += f"; so small, there would be about {then:,.0f} jobs, and a head process bears {MOST_JOBS:,} well: better the limit or the GPUs"
        found.append(text)
    jobs = sum(plan.jobs.values())
    if jobs > MOST_JOBS:
        least = _round_up(config.library.shard_size * jobs / MOST_JOBS)
        found.append(
            f"{jobs:,} jobs: more than {MOST_JOBS:,}, which a head process bears well; library.shard_size: {least} or more would make fewer"
        )
    longest = max((minutes for stage in sized if (minutes := largest_job(plan, stage, pictures)) is not None), default=None)
    if longest is not None and longest < SHORTEST_MINUTES and plan.shards > 100 and not tight:
        found.append(
            f"the longest job of a shard takes {longest * 60:.0f} s, of which much is starting: a larger library.shard_size wastes less"
        )
    there = next(place for place in (results.absolute(), *results.absolute().parents) if place.exists())
    free = shutil.disk_usage(there).free
    if plan.bytes > free:
        smaller = ", or set edit.encoding and ingest.encoding to webp" if config.edit.encoding.format == "png" else ""
        found.append(f"storage: {size(plan.bytes)} are needed and {size(free)} are free at {there}: name another paths.results{smaller}")
    return found


def waiting_stages(config: Config) -> list[str]:
    """The stages of the run whose jobs wait for batches."""
    judged = config.benchmark.judges if config.benchmark.source != "none" else ()
    of_samples = config.table2.judges if config.table2.datasets else ()
    asking: dict[str, Sequence[VlmSettings]] = {
        "instruct": (config.instruct,),
        "verify": (config.verify,),
        **dict.fromkeys(("expect", "judge", "bench_viescore"), judged),
        "viescore": of_samples,
    }
    return [stage for stage, settings in asking.items() if any(one.engine == "batch" for one in settings)]


def _waits(plan: Plan, config: Config, of_rule: Mapping[str, Limit]) -> list[str]:
    """Stages whose jobs would be ended before a batch need be answered."""
    found = []
    for stage in waiting_stages(config):
        limit = of_rule.get(stage)
        if plan.jobs.get(stage) and limit is not None and limit.minutes < BATCH_MINUTES:
            found.append(
                f"{stage}: a batch may take {wall(BATCH_MINUTES / 60)}, and {limit.where} allows a job {wall(limit.minutes / 60)}: "
                f"set-resources: {stage}: runtime: {2 * BATCH_MINUTES:.0f}"
            )
    return found


def _round_up(number: float) -> int:
    step = 10 ** max(0, math.floor(math.log10(max(1.0, number))) - 1)
    return int(math.ceil(number / step) * step)
