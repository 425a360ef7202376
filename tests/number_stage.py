"""A small stage for tests of the resumable map: computes squares, logs each computation, can be slow, fail, or kill its process."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from unicedit.config.map import MapSettings
from unicedit.map.compute import EngineError
from unicedit.map.run import Places, run_map
from unicedit.map.stage import Batch, Compute, Item, Row, RowError, Stage
from unicedit.sidecar import Identity

SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("number", pa.int64()),
        ("square", pa.int64()),
        ("blob", pa.binary()),
        pa.field("status", pa.string(), nullable=False),
        ("reason", pa.string()),
        ("recipe", pa.string()),
        ("inputs", pa.string()),
    ]
)


class NumberStage(Stage):
    """Squares of ``numbers``; each computed number is appended to ``calls``."""

    name = "number"
    schema = SCHEMA
    row_group_rows = 10

    def __init__(
        self,
        numbers: Sequence[int],
        calls: Path,
        *,
        recipe: str = "r1",
        seconds: float = 0.0,
        batch_size: int = 4,
        bad: Sequence[int] = (),
        poison: Sequence[int] = (),
        broken: bool = False,
        opening: str = "",
        limit: int | None = None,
    ) -> None:
        self.numbers = list(numbers)
        self.calls = calls
        self.recipe = recipe
        self.seconds = seconds
        self.batch_size = batch_size
        self.bad = set(bad)
        self.poison = set(poison)
        self.broken = broken
        self.opening = opening  # what happens as the engine is opened: "", "raises" or "dies"
        self.limit = limit
        self.decision = "" if limit is None else f"limit {limit}"

    def items(self) -> Iterator[Item]:
        for number in self.numbers:
            yield Item(key=f"n{number}", inputs=str(number), recipe=self.recipe, row={"number": number})

    def load(self, items: Sequence[Item]) -> Sequence[int | RowError]:
        return [item.row["number"] for item in items]

    def open(self) -> Compute:
        if self.opening == "raises":
            raise EngineError("no such model")
        if self.opening == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        return self._compute

    def _compute(self, batch: Batch) -> list[list[Row] | RowError]:
        results: list[list[Row] | RowError] = []
        for _, number in batch:
            time.sleep(self.seconds)
            if self.broken:
                raise ValueError("engine on fire")
            if number in self.poison:
                os.kill(os.getpid(), signal.SIGKILL)
            with self.calls.open("a") as log:
                log.write(f"{number}\n")
            if number in self.bad:
                results.append(RowError(f"odd_number: {number} will not do"))
            else:
                results.append([{"square": number * number, "blob": str(number).encode() * 50}])
        return results

    def decide(self, table: pa.Table) -> pa.Table:
        if self.limit is None:
            return table
        rows = table.to_pylist()
        for row in rows:
            if row["status"] == "ok" and row["square"] > self.limit:
                row["status"], row["reason"] = "rejected", f"large: {row['square']} > {self.limit}"
        return pa.Table.from_pylist(rows, schema=table.schema)


def run_numbers(folder: Path, stage: NumberStage, **settings: object) -> dict[str, int]:
    """Run the stage with its files under ``folder``."""
    table = folder / "results" / "number" / "00000.parquet"
    places = Places.of(table, table.with_suffix(".json"), folder / "scratch", "number", "00000")
    return dict(run_map(stage, places, Identity("number", "00000", "code", "{}"), MapSettings(**settings)))  # type: ignore[arg-type]


def calls_of(path: Path) -> list[int]:
    """The numbers computed so far, in order."""
    return [int(line) for line in path.read_text().split()] if path.exists() else []
