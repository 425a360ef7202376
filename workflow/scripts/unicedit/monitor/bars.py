"""Bars on a terminal, plain lines elsewhere."""

import datetime
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from unicedit.monitor.progress import StageProgress


def duration(seconds: float | None) -> str:
    """``0:01:20``; a dash where it is not known."""
    return "–" if seconds is None else str(datetime.timedelta(seconds=round(seconds)))


def line(stages: Sequence[StageProgress], elapsed: float) -> str:
    """The state of a run as one plain line: what is under way, and what is done."""
    parts = []
    for one in stages:
        if 0 < one.share < 1 or (one.share == 0 and one.jobs_done):
            rows = f", {one.rows:,} rows at {one.rate:.1f}/s" if one.rows or one.rate else ""
            failed = f", {one.rows_failed:,} failed" if one.rows_failed else ""
            parts.append(f"{one.stage} {one.jobs_done}/{one.jobs} jobs{rows}{failed}, ETA {duration(one.eta)}")
    done, jobs = sum(one.jobs_done for one in stages), sum(one.jobs for one in stages)
    return f"[{duration(elapsed)}] {done}/{jobs} jobs" + "".join(f"; {part}" for part in parts)


class Bars:
    """A bar a stage on a terminal; elsewhere ``show`` prints one line every ``interval`` seconds."""

    def __init__(self, console: Console, interval: float = 10.0) -> None:
        self.console = console
        self.interval = interval
        self._next = 0.0
        self._tasks: dict[str, int] = {}
        self._progress = Progress(
            TextColumn("{task.description:<12}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:>3.0f}%"),
            *(TextColumn(f"{{task.fields[{name}]}}", justify="right", markup=False) for name in ("jobs", "rows", "rate", "failed", "eta")),
            console=console,
            auto_refresh=False,
            expand=True,
        )

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.console.is_terminal:
            self._progress.stop()

    def show(self, stages: Sequence[StageProgress], elapsed: float, *, last: bool = False) -> None:
        """Show the state of the run, ``elapsed`` seconds after its start."""
        if not self.console.is_terminal:
            if stages and (elapsed >= self._next or last):
                self._next = elapsed + self.interval
                self.console.print(line(stages, elapsed), markup=False, highlight=False, soft_wrap=True)
            return
        for one in stages:
            if one.stage not in self._tasks:
                self._tasks[one.stage] = self._progress.add_task(one.stage, total=1.0, jobs="", rows="", rate="", failed="", eta="")
            self._progress.update(
                self._tasks[one.stage],  # type: ignore[arg-type]
                completed=one.share,
                jobs=f"{one.jobs_done}/{one.jobs} jobs",
                rows=f"{one.rows:,} rows" if one.rows else "",
                rate=f"{one.rate:,.1f}/s" if one.rate else "",
                failed=f"{one.rows_failed:,} failed" if one.rows_failed else "",
                eta="done" if one.share >= 1 else f"ETA {duration(one.eta)}",
            )
        self._progress.refresh()
