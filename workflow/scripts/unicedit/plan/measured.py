"""What a finished run measured: seconds, bytes and shares by stage, from its sidecars, benchmark records and progress records."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unicedit.errors import PipelineError
from unicedit.files import read_json
from unicedit.monitor.records import Record, Records
from unicedit.vlm.spent import spent_in


@dataclass(frozen=True, slots=True)
class Measured:
    """What a stage of a run showed. ``seconds`` a row given to it, once a job is under way; ``startup`` seconds before that, a job.

    ``rows_of``: rows a given one; ``ok``: share of the rows that went on; ``size``: bytes a row; ``jobs`` whose time was measured; tokens a given row, of a
    server.
    """

    stage: str
    jobs: int
    rows_in: int
    rows: int
    seconds: float | None
    startup: float
    ok: float
    size: float
    tokens_in: float = 0.0
    tokens_out: float = 0.0

    @property
    def rows_of(self) -> float:
        return self.rows / self.rows_in if self.rows_in else 0.0


def _benchmarks(folder: Path, pattern: str = "*.tsv") -> dict[str, float]:
    """Seconds of each job by wildcard; of a record with several lines (repeats) the last."""
    found = {}
    for path in sorted(folder.glob(pattern)):
        with path.open(encoding="utf-8", newline="") as stream:
            lines = list(csv.DictReader(stream, delimiter="\t"))
        if lines:
            found[path.stem] = float(lines[-1]["s"])
    return found


def _sidecars(results: Path, stage: str) -> dict[str, dict[str, Any]]:
    pattern = "dataset/sidecars/shard-*.json" if stage == "assemble" else f"{stage}/*.json"
    read = {path.stem.removeprefix("shard-"): read_json(path) for path in sorted(results.glob(pattern))}
    return {name: value for name, value in read.items() if "status" in value}


def _times(sealed: dict[str, dict[str, Any]], benchmarks: dict[str, float], records: dict[str, Record]) -> tuple[float | None, float, int]:
    """Seconds a row, seconds a job before its first row, and over how many jobs.

    A job under the map says when it began and ended with its rows, and how many it computed; only jobs that computed all of theirs count. Of other stages
    the whole job's time is divided by its rows.
    """
    whole = {name: one for name, one in records.items() if one.finished and one.computed and one.computed == one.total and name in sealed}
    if whole:
        spans = {name: one.updated - one.started for name, one in whole.items()}
        before = [benchmarks[name] - span for name, span in spans.items() if name in benchmarks]
        startup = max(0.0, sum(before) / len(before)) if before else 0.0
        return sum(spans.values()) / sum(one.computed for one in whole.values()), startup, len(whole)
    timed = {name: seconds for name, seconds in benchmarks.items() if name in sealed and not records}
    rows = sum(sealed[name]["rows_in"] for name in timed)
    return (sum(timed.values()) / rows if rows else None), 0.0, len(timed)


def measure(results: Path, scratch: Path, stages: tuple[str, ...]) -> dict[str, Measured]:
    """What a run showed of each stage that it finished a shard of. Raises ``PipelineError`` for a folder that holds no run."""
    if not (results / "index").is_dir():
        raise PipelineError(f"config: plan.measured.results = {str(results)!r}: holds no run; name the results folder of a finished one")
    by_stage: dict[str, dict[str, Record]] = {}
    for (stage, shard), record in Records(scratch).read().items():
        by_stage.setdefault(stage, {})[shard] = record
    found = {}
    for stage in stages:
        sealed = _sidecars(results, stage)
        rows = sum(value["rows"] for value in sealed.values())
        if not rows:
            continue
        rows_in = sum(value["rows_in"] for value in sealed.values())
        seconds, startup, jobs = _times(sealed, _benchmarks(results / "benchmarks" / stage), by_stage.get(stage, {}))
        found[stage] = Measured(
            stage=stage,
            jobs=jobs,
            rows_in=rows_in,
            rows=rows,
            seconds=seconds,
            startup=startup,
            ok=sum(value["status"]["ok"] for value in sealed.values()) / rows,
            size=sum(value["bytes"] for value in sealed.values()) / rows,
            **_tokens(results / "usage" / stage, rows_in),
        )
    return found


def _tokens(usage: Path, rows_in: int) -> dict[str, float]:
    """Tokens a given row: those of an answered request, for the cached replies too, which a new run would ask for."""
    spent = spent_in(usage)
    if not spent.answered:
        return {}
    asked = (spent.answered + spent.known) / rows_in / spent.answered
    return {"tokens_in": spent.tokens_in * asked, "tokens_out": spent.tokens_out * asked}


def benchmark_seconds(results: Path, rules: Iterable[str]) -> float | None:
    """Seconds that the jobs of some rules took together; None where none has a record."""
    found = [sum(_benchmarks(results / "benchmarks", f"{rule}.tsv").values()) for rule in rules]
    return sum(found) or None
