"""Of how many samples a printed mean can be: a mean of n whole scores, printed with so many decimals, is possible for few n only.

Scores are whole numbers from 0 to 10 (the rubrics round), so n times the mean lies near a whole number. The metrics that every sample has are printed from the same
samples, hence an n must serve all of them. A table whose only possible n lie below what was expected left samples out without saying so.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unicedit.errors import PipelineError
from unicedit.files import appearing_whole
from unicedit.scoring.csv_rows import csv_rows
from unicedit.scoring.schema import EVERYWHERE, HIGHEST, METRICS

GROUPS = {"+".join(EVERYWHERE): EVERYWHERE, "RA": ("RA",)}
COLUMNS = ("model", "language", "metric_group", "expected", "possible_n")
_TABLE = ("model", "language", *(metric.lower() for metric in METRICS))
_PRINTED = re.compile(r"(\d{1,2})\.(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Coverage:
    """All ``possible`` numbers of samples, ascending, of which the printed means of a metric group can be, up to ``expected``."""

    model: str
    language: str
    metric_group: str
    expected: int
    possible: tuple[int, ...]

    @property
    def complete(self) -> bool:
        """Whether the figures are compatible with every expected sample having been scored."""
        return self.expected in self.possible


def possible_n(printed: Sequence[str], expected: int) -> tuple[int, ...]:
    """Every n up to ``expected`` such that each of the printed means (text, for its decimals count) is one of n whole scores from 0 to 10.

    A mean halfway between two printed values may have been rounded either way. Raises ``ValueError`` for text that is no printed mean.
    """
    n = np.arange(1, expected + 1, dtype=np.int64)
    possible = np.ones(expected, dtype=bool)
    for text in printed:
        found = _PRINTED.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{text[:40]!r} is no mean as printed, like 6.2455")
        unit = 10 ** len(found[2])
        mean = int(found[1] + found[2])  # in units of the last decimal
        if mean > HIGHEST * unit:
            raise ValueError(f"{text!r} is above {HIGHEST:g}")
        # some whole sum s with |s / n - mean / unit| <= half a unit, that is |2 s unit - 2 n mean| <= n; whole numbers, so nothing is rounded here
        rest = n * mean % unit
        possible &= 2 * np.minimum(rest, unit - rest) <= n
    return tuple(int(one) for one in n[possible])


def coverage_check(table: Path, out: Path, expected: int, expected_reasoning: int) -> list[Coverage]:
    """Read a table of printed means (columns model, language, if, nc, vq, ra) and write which n are possible, as CSV; an empty ``ra`` has no line.

    ``possible_n`` holds numbers between spaces; nothing where no n serves all means of the group, which then were not of the same samples, or not of whole scores.
    """
    found = []
    for place, row in csv_rows(table, _TABLE, may_be_empty=("ra",)):
        for group, metrics in GROUPS.items():
            printed = [row[metric.lower()] for metric in metrics]
            if group == "RA" and not printed[0]:
                continue
            limit = expected_reasoning if group == "RA" else expected
            try:
                found.append(Coverage(row["model"], row["language"], group, limit, possible_n(printed, limit)))
            except ValueError as error:
                raise PipelineError(f"{place}: {group}: {error}; copy the figure with all its decimals") from error
    if not found:
        raise PipelineError(f"{table}: it has no line with means")
    with appearing_whole(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([one.model, one.language, one.metric_group, one.expected, " ".join(map(str, one.possible))] for one in found)
    return found
