"""Reading evaluations for Table 5: for each row, its figures by seed and sample."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from unicedit.errors import PipelineError
from unicedit.evaluation.meaning import SLOTS
from unicedit.evaluation.rows import ROWS, UNTRAINED
from unicedit.schema import OK
from unicedit.tables.table5_statistics import Values
from unicedit.world.words import LANGUAGES

SHARES = ("changed_right", "copied", *(f"{what}_{language}" for language in LANGUAGES for what in ("right", "readable", *SLOTS)))
_COLUMNS = ("key", "kind", "held_out", "status", "fault", "points", "judge", *SHARES)


@dataclass(frozen=True, slots=True)
class Cells:
    """A metric of one row over some samples: ``values`` is (seeds, samples) for the samples that every seed scored, ``keys`` names these; ``expected`` counts all
    that it should have.
    """

    keys: tuple[str, ...]
    values: Values
    expected: int


class Measured:
    """One row's evaluations, a seed each, on the same samples. Raises ``PipelineError`` where the samples differ or a file is damaged."""

    def __init__(self, row: str, paths: Sequence[Path]) -> None:
        self.row = row
        tables = [pq.read_table(path, columns=list(_COLUMNS)).sort_by("key").to_pydict() for path in paths]
        self.keys: list[str] = tables[0]["key"]
        for path, table in zip(paths, tables, strict=True):
            if table["key"] != self.keys:
                raise PipelineError(f"{path}: holds other samples than {paths[0]}; remove both and run again")
        self._tables = tables
        self.kinds = np.array(tables[0]["kind"])
        self.held_out = np.array(tables[0]["held_out"], bool)
        self.seeds = len(tables)
        self.judges = sorted({name for table in tables for name in table["judge"] if name})

    def cells(self, metric: str, kinds: Sequence[str] | None = None, held_out: bool | None = None) -> Cells:
        """A metric over the samples of some kinds (None: all), and of held-out compositions or the others where that is asked."""
        wanted = np.ones(len(self.keys), bool) if kinds is None else np.isin(self.kinds, kinds)
        if held_out is not None:
            wanted &= self.held_out == held_out
        columns = [self._column(table, metric) for table in self._tables]
        scored = wanted & ~np.isnan(np.stack(columns)).any(axis=0)
        failed = np.array([[status != OK for status in table["status"]] for table in self._tables]).any(axis=0)
        values = np.stack([column[scored] for column in columns])
        return Cells(tuple(np.array(self.keys)[scored].tolist()), values, int((scored | (wanted & failed)).sum()))

    def _column(self, table: dict[str, list[object]], metric: str) -> Values:
        """Numbers with NaN where a sample has none: it failed, or the metric does not apply to it."""
        if metric == "unparsed":
            found: list[object] = [
                None if status != OK else fault is not None for status, fault in zip(table["status"], table["fault"], strict=True)
            ]
        else:
            found = [None if status != OK else value for status, value in zip(table["status"], table[metric], strict=True)]
        return np.array([np.nan if value is None else float(value) for value in found])  # type: ignore[arg-type]

    def paired(self, other: "Measured", kind: str) -> tuple[Values, Values]:
        """The points of both on the samples of a kind that both scored in every seed; one may have been read on a part of the other's samples.

        Raises ``PipelineError`` for other samples or seeds."""
        if not (set(self.keys) <= set(other.keys) or set(other.keys) <= set(self.keys)):
            raise PipelineError(f"{self.row} and {other.row} were measured on other samples; remove results/verifier/runs and run again")
        ours, theirs = self.cells("points", [kind]), other.cells("points", [kind])
        both = sorted(set(ours.keys) & set(theirs.keys))
        found = []
        for cells in (ours, theirs):
            place = {key: number for number, key in enumerate(cells.keys)}
            found.append(cells.values[:, [place[key] for key in both]])
        return found[0], found[1]


def evaluation_path(results: Path, variant: str, seed: str, reading: str, split: str) -> Path:
    """Where an evaluation lies."""
    return results / "verifier" / "runs" / variant / seed / f"{reading}-{split}.parquet"


def measured_rows(results: Path, rows: Sequence[str], seeds: Sequence[str]) -> dict[str, Measured | None]:
    """The rows that were run; None for those that were not. Raises ``PipelineError`` where a trained row lacks some of its seeds."""
    found: dict[str, Measured | None] = {}
    for name in rows:
        row = ROWS[name]
        own = ["0"] if row.variant in UNTRAINED else list(seeds)
        paths = [evaluation_path(results, row.variant, seed, row.reading, "test") for seed in own]
        there = [path for path in paths if path.exists()]
        if there and len(there) < len(paths):
            lacking = next(path for path in paths if not path.exists())
            raise PipelineError(f"{lacking}: not there, while other seeds of {name} are; run the target again")
        found[name] = Measured(name, there) if there else None
    return found
