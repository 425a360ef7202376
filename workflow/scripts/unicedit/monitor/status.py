"""Where a running or finished pipeline stands, from its files alone: works from any machine that sees them."""

import time
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from unicedit.index.index import load
from unicedit.monitor.bars import duration
from unicedit.monitor.progress import in_order
from unicedit.monitor.records import Record, Records
from unicedit.monitor.summary import dataset_line
from unicedit.workflow import GATHERS, SHARD_STAGES

SILENT_SECONDS = 180.0


def _sealed(results: Path, stage: str) -> int:
    folder, pattern = (results / "dataset" / "sidecars", "shard-*.json") if stage == "assemble" else (results / stage, "*.json")
    return sum(1 for _ in folder.glob(pattern)) if folder.is_dir() else 0


def _row(stage: str, sealed: int, shards: int, records: list[Record], now: float) -> list[Text]:
    running = [record for record in records if not record.finished]
    silent = [record for record in running if now - record.updated > SILENT_SECONDS]
    state = f"{len(running) - len(silent)} running" if len(running) > len(silent) else ""
    if silent:
        longest = max(now - record.updated for record in silent)
        state += f"{', ' if state else ''}{len(silent)} silent for up to {duration(longest)} (killed, or waiting)"
    failed = sum(record.failed for record in records)
    return [
        Text(stage),
        Text(f"{sealed:,} of {shards:,}", style="green" if sealed >= shards else ""),
        Text(f"{sum(record.done for record in records):,} of {sum(record.total for record in records):,}" if records else ""),
        Text(f"{failed:,}" if failed else "", style="red"),
        Text(state),
    ]


def status(results: Path, scratch: Path, console: Console | None = None, now: float | None = None) -> None:
    """Print each stage's sealed shards, the rows of its jobs, and the jobs that run or have gone silent.

    ``now`` is in seconds since the epoch. Raises ``LibraryError`` when there is no index, that is, nothing was ever run here.
    """
    console = console or Console()
    now = time.time() if now is None else now
    shards = len(load(results / "index").shards)
    by_stage: dict[str, list[Record]] = {}
    for record in Records(scratch).read().values():
        by_stage.setdefault(record.stage, []).append(record)
    shown = Table(title=Text(f"{results}: {shards:,} shards"), title_justify="left", box=None, header_style="bold")
    for name, side in (("stage", "left"), ("shards sealed", "right"), ("rows done", "right"), ("rows failed", "right"), ("jobs", "left")):
        shown.add_column(name, justify="right" if side == "right" else "left")
    for stage in in_order(SHARD_STAGES):
        sealed = _sealed(results, stage)
        shown.add_row(*_row(stage, sealed, shards, by_stage.get(stage, []), now))
    console.print(shown)
    made = [
        name for name in GATHERS if (results / {"card": "dataset/sidecars", "truth": "truth"}.get(name, "tables") / f"{name}.json").exists()
    ]
    console.print(Text(f"gathers made: {', '.join(made) or 'none'}; dataset: {dataset_line(results) or 'none yet'}"))
