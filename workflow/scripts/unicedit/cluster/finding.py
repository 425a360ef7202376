"""What a check found, and how it is shown."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.text import Text

Level = Literal["ok", "warning", "error"]
_STYLES = {"ok": "green", "warning": "yellow", "error": "bold red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a report. An ``error`` says that a run would fail, or wait for ever; ``remedy`` what to do about it."""

    level: Level
    text: str
    remedy: str = ""


def show(findings: Iterable[Finding], console: Console) -> None:
    """Print findings, each with its level first and its remedy below."""
    for one in findings:
        console.print(Text.assemble((f"{one.level:<8}", _STYLES[one.level]), one.text), soft_wrap=True, highlight=False)
        if one.remedy:
            console.print(Text(f"        → {one.remedy}"), soft_wrap=True, highlight=False)
