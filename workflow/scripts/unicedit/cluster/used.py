"""What jobs really used: from Slurm's accounting where it exists, else from the benchmark files that every rule writes."""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from unicedit.cluster.asked import Asked
from unicedit.cluster.slurm import ask, megabytes, minutes

FIELDS = "JobIDRaw,State,ElapsedRaw,TimelimitRaw,AllocCPUS,ReqMem,NNodes,MaxRSS,TotalCPU,Comment"
# a Slurm job also holds the Snakemake that Slurm starts, and the one that this starts for the step: 180 and 160 MB
SNAKEMAKE_MB = 350.0
_COMMENT = re.compile(r"^rule_(.+?)(?:_wildcards_.*)?$")


@dataclass(frozen=True, slots=True)
class Used:
    """One job. What was asked is None where nobody knows; ``cpu_minutes`` is the processor time; ``ended`` its state, COMPLETED for success."""

    rule: str
    ended: str
    memory_mb: float | None
    minutes: float
    cpu_minutes: float | None
    cpus: int
    asked_mb: float | None
    asked_minutes: float | None


def rule_of(job: str, comment: str, rules: Mapping[str, str]) -> str:
    """The rule of a job: by its comment, or else as ``rules`` knows it."""
    named = _COMMENT.match(comment)
    return named[1] if named else rules.get(job, "unknown")


def _requested(text: str, cpus: int, nodes: int) -> float | None:
    """Megabytes of ReqMem: of the job, or as before 21.08 a CPU (``4Gc``) or a node (``4Gn``)."""
    amount = megabytes(text)
    if amount is None:
        return None
    return amount * (cpus if text.endswith("c") else nodes if text.endswith("n") else 1)


def parse_sacct(text: str, rules: Mapping[str, str]) -> list[Used]:
    """Jobs from ``sacct --parsable2`` with this module's fields. ``rules`` names the rule of a job whose comment is not stored. Jobs that still wait or run are left out."""
    jobs: dict[str, list[str]] = {}
    memory: dict[str, float] = {}
    for line in text.splitlines():
        values = line.split("|", FIELDS.count(","))
        if len(values) != FIELDS.count(",") + 1:
            continue
        job, _, step = values[0].partition(".")
        if not step:
            jobs[job] = values
        elif (peak := megabytes(values[7], plain="B")) is not None and step != "extern":
            memory[job] = memory.get(job, 0.0) + peak  # steps run side by side
    found = []
    for job, (_, state, elapsed, limit, cpus, asked_memory, nodes, _, processor, comment) in jobs.items():
        state = state.split()[0] if state else "UNKNOWN"
        if state in ("PENDING", "RUNNING", "REQUEUED", "SUSPENDED", "COMPLETING"):
            continue
        rule = rule_of(job, comment, rules)
        count = int(cpus or 1)
        found.append(
            Used(
                rule=rule,
                ended=state,
                memory_mb=memory.get(job),
                minutes=float(elapsed or 0) / 60,
                cpu_minutes=minutes(processor),
                cpus=count,
                asked_mb=_requested(asked_memory, count, int(nodes or 1)),
                asked_minutes=minutes(limit),
            )
        )
    return found


def from_sacct(run_ids: Iterable[str], since: str, rules: Mapping[str, str]) -> list[Used]:
    """Every ended job of these runs since a date. Raises ``SlurmError`` where there is no accounting."""
    names = ",".join(run_ids)
    return parse_sacct(ask("sacct", "--noheader", "--parsable2", f"--name={names}", f"--starttime={since}", f"--format={FIELDS}"), rules)


def from_benchmarks(folder: Path, asked: Mapping[str, Asked]) -> list[Used]:
    """Every job that left a benchmark record: the last attempt of each, the command alone."""
    found = []
    for path in sorted(folder.rglob("*.tsv")):
        rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
        with path.open(encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t"))
        if not rows:
            continue
        last, own = rows[-1], asked.get(rule)
        found.append(
            Used(
                rule=rule,
                ended="COMPLETED",
                memory_mb=_figure(last.get("max_rss")),
                minutes=float(last["s"]) / 60,
                cpu_minutes=None if (seconds := _figure(last.get("cpu_time"))) is None else seconds / 60,
                cpus=own.cpus if own else 1,
                asked_mb=own.memory_mb if own else None,
                asked_minutes=own.minutes if own else None,
            )
        )
    return found


def _figure(text: str | None) -> float | None:
    """A figure of a benchmark file; None for the NA or dash of a job that was over before it was looked at."""
    try:
        return float(text or "")
    except ValueError:
        return None
