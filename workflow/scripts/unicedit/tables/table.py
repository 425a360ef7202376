"""A table in its long form: one figure a line, with its interval, its coverage and where it comes from."""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from unicedit.files import appearing_whole

COLUMNS = ("table", "row", "metric", "value", "ci_low", "ci_high", "n", "expected", "source")
MEASURED = "measured"
REPORTED = "reported"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. ``value`` is None where nothing could be measured; ``n`` of ``expected`` cases are behind it."""

    row: str
    metric: str
    value: float | int | None
    ci_low: float | None = None
    ci_high: float | None = None
    n: int | None = None
    expected: int | None = None
    source: str = MEASURED


def _written(value: float | int | None) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        raise ValueError(f"a table holds finite figures only, not {value}")
    return _decimal(value, 6).rstrip("0").rstrip(".")


def _decimal(value: float, digits: int, sign: bool = False) -> str:
    """``value`` with so many decimals, and never a minus before a zero."""
    rounded = round(value, digits) + 0.0
    return f"{rounded:+.{digits}f}" if sign else f"{rounded:.{digits}f}"


def write_long(table: str, figures: Iterable[Figure], path: Path) -> None:
    """Write figures as CSV, columns as ``COLUMNS``; an empty field is a figure that does not exist."""
    with appearing_whole(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(COLUMNS)
        for one in figures:
            numbers = (one.value, one.ci_low, one.ci_high, one.n, one.expected)
            out.writerow([table, one.row, one.metric, *map(_written, numbers), one.source])


class Figures:
    """Figures by row, metric and source."""

    def __init__(self, figures: Sequence[Figure]) -> None:
        self._found = {(one.row, one.metric, one.source): one for one in figures}
        if len(self._found) != len(figures):
            raise ValueError("two figures have the same row, metric and source")

    def get(self, row: str, metric: str, source: str = MEASURED) -> Figure | None:
        """The figure, or None where there is none with a value."""
        one = self.there(row, metric, source)
        return one if one is not None and one.value is not None else None

    def there(self, row: str, metric: str, source: str = MEASURED) -> Figure | None:
        """The figure, also where it has no value; None where there is none."""
        return self._found.get((row, metric, source))


def shown(one: Figure | None, digits: int = 2, sign: bool = False, interval: bool = True) -> str:
    """A figure as a table shows it: ``-21.50 [-25.12, -17.88]``; a dash where there is none."""
    if one is None or one.value is None:
        return "–"
    text = f"{one.value:,}" if isinstance(one.value, int) else _decimal(one.value, digits, sign)
    if interval and one.ci_low is not None and one.ci_high is not None:
        text += f" [{_decimal(one.ci_low, digits, sign)}, {_decimal(one.ci_high, digits, sign)}]"
    return text
