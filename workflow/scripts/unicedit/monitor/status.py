"""Where a running or finished pipeline stands, from its files alone: works from any machine that sees them, and asks neither Snakemake nor Slurm."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from unicedit.index.index import load
from unicedit.monitor.bars import duration
from unicedit.monitor.progress import in_order
from unicedit.monitor.records import Record, Records
from unicedit.monitor.summary import dataset_line
from unicedit.stages import GATHERS, SHARD_STAGES, gather_seal

SILENT_SECONDS = 180.0
_COLUMNS = ("stage", "shards sealed", "rows done", "failed", "rows/s", "ETA", "jobs")


@dataclass(frozen=True, slots=True)
class StageStatus:
    """One stage over all shards. ``rows`` of ``known`` are done, the latter of the jobs that have begun; ``rate`` is rows a second of the jobs that run now, and
    ``eta`` the seconds to the end at this rate, None while nothing runs.
    """

    stage: str
    sealed: int
    shards: int
    rows: int
    known: int
    failed: int
    running: int
    silent: int
    silence: float  # seconds of the longest
    rate: float
    eta: float | None


def _sealed(results: Path, stage: str) -> int:
    folder, prefix = (results / "dataset" / "sidecars", "shard-") if stage == "assemble" else (results / stage, "")
    if not folder.is_dir():
        return 0
    return sum(name.startswith(prefix) and name.endswith(".json") and name[0] != "." for name in os.listdir(folder))


def _left(records: list[Record], sealed: int, shards: int) -> float:
    """Rows still to do: those of the jobs under way, and of shards that have not begun, which are taken to be of mean length."""
    under_way = [record for record in records if not record.finished]
    waiting = max(0, shards - sealed - len(under_way))
    return sum(record.total - record.done for record in under_way) + waiting * sum(record.total for record in records) / len(records)


def stage_status(stage: str, sealed: int, shards: int, records: list[Record], now: float) -> StageStatus:
    """Where a stage stands by its sealed shards and its jobs' records. ``now`` is in seconds since the epoch."""
    under_way = [record for record in records if not record.finished]
    silent = [record for record in under_way if now - record.updated > SILENT_SECONDS]
    heard = [record for record in under_way if now - record.updated <= SILENT_SECONDS]
    # a job tells the time of its last word, so its rate does not fall while it computes the next batch
    rate = sum(record.computed / (record.updated - record.started) for record in heard if record.updated > record.started)
    return StageStatus(
        stage=stage,
        sealed=sealed,
        shards=shards,
        rows=sum(record.done for record in records),
        known=sum(record.total for record in records),
        failed=sum(record.failed for record in records),
        running=len(heard),
        silent=len(silent),
        silence=max((now - record.updated for record in silent), default=0.0),
        rate=rate,
        eta=_left(records, sealed, shards) / rate if rate else None,
    )


def stages_of(results: Path, scratch: Path, now: float) -> list[StageStatus]:
    """Every stage over the shards, in the pipeline's order. Raises ``LibraryError`` when there is no index, that is, nothing was ever run here."""
    shards = len(load(results / "index").shards)
    by_stage: dict[str, list[Record]] = {}
    for record in Records(scratch).read().values():
        by_stage.setdefault(record.stage, []).append(record)
    return [stage_status(name, _sealed(results, name), shards, by_stage.get(name, []), now) for name in in_order(SHARD_STAGES)]


def _row(one: StageStatus) -> list[Text]:
    state = f"{one.running} running" if one.running else ""
    if one.silent:
        state += f"{', ' if state else ''}{one.silent} silent"
    return [
        Text(one.stage),
        Text(f"{one.sealed:,} of {one.shards:,}", style="green" if one.sealed >= one.shards else ""),
        Text(f"{one.rows:,} of {one.known:,}" if one.known else ""),
        Text(f"{one.failed:,}" if one.failed else "", style="red"),
        Text(f"{one.rate:,.1f}" if one.rate else ""),
        Text(duration(one.eta) if one.eta is not None else ""),
        Text(state),
    ]


def status(results: Path, scratch: Path, console: Console | None = None, now: float | None = None) -> None:
    """Print each stage's sealed shards, rows done and failed, rate and time left, and the jobs that run or have gone silent; then what is made of them.

    ``now`` is in seconds since the epoch. Raises ``LibraryError`` when there is no index, that is, nothing was ever run here.
    """
    console = console or Console()
    stages = stages_of(results, scratch, time.time() if now is None else now)
    title = Text(f"{results}: {stages[0].shards:,} shards")
    shown = Table(title=title, title_justify="left", box=None, header_style="bold")
    for name in _COLUMNS:
        shown.add_column(name, justify="left" if name in ("stage", "jobs") else "right", no_wrap=name != "jobs")
    for one in stages:
        shown.add_row(*_row(one))
    console.print(shown)
    if silent := sum(one.silent for one in stages):
        longest = max(one.silence for one in stages)
        console.print(Text(f"{silent} silent jobs wrote nothing for up to {duration(longest)}: killed, waiting, or at a long batch"))
    made = [name for name in GATHERS if Path(gather_seal(str(results), name)).exists()]
    console.print(Text(f"gathers made: {', '.join(made) or 'none'}; dataset: {dataset_line(results) or 'none yet'}"))
