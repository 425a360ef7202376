"""What jobs asked for and what they used, by rule: where to ask for less, and where it was close."""

import csv
import io
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from unicedit.cluster.used import SNAKEMAKE_MB, Used
from unicedit.files import write_text
from unicedit.markdown import plain, table
from unicedit.stages import ORDER

HEAD = (
    "rule",
    "jobs",
    "ended otherwise",
    "memory asked (MB)",
    "most used",
    "median",
    "minutes asked",
    "longest",
    "median minutes",
    "CPUs",
    "CPU used (%)",
    "CPU hours",
    "could ask (MB)",
    "could ask (min)",
)
SHORT = ("rule", "jobs", "memory (MB)", "minutes", "CPU %", "could ask", "otherwise")
MEMORY_MARGIN, MINUTES_MARGIN, LEAST_MINUTES = 1.3, 2.0, 10


@dataclass(frozen=True, slots=True)
class RuleUse:
    """The jobs of one rule. Figures of use are of jobs that ended well; None where nobody measured."""

    rule: str
    jobs: int
    otherwise: str
    asked_mb: float | None
    most_mb: float | None
    median_mb: float | None
    asked_minutes: float | None
    longest: float | None
    median_minutes: float | None
    cpus: int
    cpu_share: float | None
    cpu_hours: float | None
    could_mb: int | None
    could_minutes: int | None

    def cells(self) -> list[str]:
        """As a table shows them."""
        whole = (self.asked_mb, self.most_mb, self.median_mb)
        times = (self.longest, self.median_minutes)
        return [
            self.rule,
            f"{self.jobs:,}",
            self.otherwise,
            *("" if one is None else f"{one:,.0f}" for one in whole),
            "" if self.asked_minutes is None else f"{self.asked_minutes:,.0f}",
            *("" if one is None else f"{one:,.1f}" for one in times),
            str(self.cpus),
            "" if self.cpu_share is None else f"{100 * self.cpu_share:.0f}",
            "" if self.cpu_hours is None else f"{self.cpu_hours:,.2f}",
            "" if self.could_mb is None else f"{self.could_mb:,}",
            "" if self.could_minutes is None else f"{self.could_minutes:,}",
        ]

    def short_cells(self) -> list[str]:
        """As a terminal shows them, for ``SHORT``: the most that a job used, of what it asked."""
        _, jobs, otherwise, asked_mb, most_mb, _, asked, longest, _, _, share, _, could_mb, could = self.cells()
        could_ask = f"{could_mb} MB, {could} min" if could_mb and could else ""
        return [
            self.rule,
            jobs,
            f"{most_mb or '?'} of {asked_mb or '?'}",
            f"{longest or '?'} of {asked or '?'}",
            share,
            could_ask,
            otherwise,
        ]


def _rounded(amount: float, step: int) -> int:
    return step * math.ceil(amount / step)


def _most(values: Sequence[float | None]) -> float | None:
    return max((one for one in values if one is not None), default=None)


def _rule(rule: str, jobs: Sequence[Used], beside_mb: float) -> RuleUse:
    well = [job for job in jobs if job.ended == "COMPLETED"]
    others = Counter(job.ended for job in jobs if job.ended != "COMPLETED")
    memory = [job.memory_mb for job in well if job.memory_mb is not None]
    times = [job.minutes for job in well]
    measured = [(job.cpu_minutes, job.minutes * job.cpus) for job in well if job.cpu_minutes is not None]
    held = sum(one for _, one in measured)
    used = sum(one for one, _ in measured)
    full = others.keys() & {"OUT_OF_MEMORY", "TIMEOUT"}  # then what the others used is no measure
    return RuleUse(
        rule=rule,
        jobs=len(jobs),
        otherwise=", ".join(f"{number} {state}" for state, number in sorted(others.items())),
        asked_mb=_most([job.asked_mb for job in jobs]),
        most_mb=max(memory, default=None),
        median_mb=median(memory) if memory else None,
        asked_minutes=_most([job.asked_minutes for job in jobs]),
        longest=max(times, default=None),
        median_minutes=median(times) if times else None,
        cpus=max(job.cpus for job in jobs),
        cpu_share=used / held if held else None,
        cpu_hours=used / 60 if measured else None,
        could_mb=_rounded(MEMORY_MARGIN * max(memory) + beside_mb, 500) if memory and not full else None,
        could_minutes=max(LEAST_MINUTES, _rounded(MINUTES_MARGIN * max(times), 10)) if times and not full else None,
    )


def by_rule(jobs: Sequence[Used], *, whole_job: bool) -> list[RuleUse]:
    """The use of every rule, in the pipeline's order. ``whole_job``: memory was measured over all that a Slurm job holds, else of the command alone."""
    found: dict[str, list[Used]] = {}
    for job in jobs:
        found.setdefault(job.rule, []).append(job)
    order = sorted(found, key=lambda rule: (ORDER.index(rule) if rule in ORDER else len(ORDER), rule))
    return [_rule(rule, found[rule], 0.0 if whole_job else SNAKEMAKE_MB) for rule in order]


def write(uses: Sequence[RuleUse], folder: Path, source: str) -> list[Path]:
    """Write efficiency.csv and efficiency.md into a folder; returns their paths."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(HEAD)
    out.writerows(
        [cell if name in ("rule", "ended otherwise") else cell.replace(",", "") for name, cell in zip(HEAD, one.cells(), strict=True)]
        for one in uses
    )
    write_text(folder / "efficiency.csv", text.getvalue())
    shown = table(HEAD, [[plain(cell) for cell in one.cells()] for one in uses])
    write_text(folder / "efficiency.md", f"# Asked and used, by rule\n\n{source}\n\n{shown}\n")
    return [folder / "efficiency.csv", folder / "efficiency.md"]
