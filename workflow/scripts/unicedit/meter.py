"""How far a long command is: a bar on a terminal, a line now and then elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from unicedit.monitor.bars import duration


class Meter:
    """``show`` may be called as often as one likes; elsewhere than on a terminal it prints every ``interval`` seconds."""

    def __init__(self, console: Console, what: str, interval: float = 10.0) -> None:
        self.console = console
        self.what = what
        self.interval = interval
        self._told = time.monotonic()
        self._first: tuple[float, float] | None = None  # when, and how much was done then: what comes before is preparation
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task(what, total=1.0)

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.console.is_terminal:
            self._progress.stop()

    def show(self, share: float, more: str = "") -> None:
        """``share`` of the work is done, 0 to 1."""
        if self.console.is_terminal:
            self._progress.update(self._task, completed=share, description=f"{self.what} {more}")
            return
        now = time.monotonic()
        began, before = self._first = self._first or (now, share)
        if now - self._told >= self.interval:
            self._told = now
            left = (now - began) * (1 - share) / (share - before) if share > before else None
            line = f"{self.what}: {100 * share:.0f}%{', ' if more else ''}{more}, ETA {duration(left)}"
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)
