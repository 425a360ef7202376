"""Resumable map against a plain loop over the same rows: how much longer it takes (issue 3: at most 3% at 1 ms a row)."""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from targets import Targets

from unicedit.config.map import MapSettings
from unicedit.files import appearing_whole
from unicedit.map.run import Places, run_map
from unicedit.map.stage import Batch, Compute, Item, Row, RowError, Stage
from unicedit.parquet import writer
from unicedit.sidecar import Identity

SCHEMA = pa.schema(
    [("key", pa.string()), ("value", pa.int64()), pa.field("status", pa.string(), nullable=False)]
    + [(name, pa.string()) for name in ("reason", "recipe", "inputs")]
)


def work(seconds: float) -> None:
    """Occupy the processor for a fixed time, as computing a row would."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


class BusyStage(Stage):
    """Rows that each take a fixed time."""

    name = "busy"
    schema = SCHEMA
    batch_size = 32

    def __init__(self, rows: int, seconds: float) -> None:
        self.rows = rows
        self.seconds = seconds

    def items(self) -> Iterator[Item]:
        for number in range(self.rows):
            yield Item(f"{number:08d}", str(number), "recipe", {"value": number})

    def open(self) -> Compute:
        return self._compute

    def _compute(self, batch: Batch) -> list[list[Row] | RowError]:
        results: list[list[Row] | RowError] = []
        for item, _ in batch:
            work(self.seconds)
            results.append([{"value": item.row["value"]}])
        return results


def plain(folder: Path, rows: int, seconds: float) -> float:
    """Compute the rows in a loop and write them; seconds taken."""
    started = time.perf_counter()
    made = []
    for number in range(rows):
        work(seconds)
        made.append({"key": f"{number:08d}", "value": number, "status": "ok", "reason": None, "recipe": "recipe", "inputs": str(number)})
    with appearing_whole(folder / "plain.parquet") as temporary, writer(temporary, SCHEMA) as out:
        out.write_table(pa.Table.from_pylist(made, schema=SCHEMA), row_group_size=1000)
    return time.perf_counter() - started


def mapped(folder: Path, rows: int, seconds: float) -> float:
    """The same under the resumable map; seconds taken."""
    started = time.perf_counter()
    table = folder / "results" / "busy" / "00000.parquet"
    run_map(
        BusyStage(rows, seconds),
        Places.of(table, table.with_suffix(".json"), folder / "scratch", "busy", "00000"),
        Identity("busy", "00000", "", "{}"),
        MapSettings(),
    )
    return time.perf_counter() - started


def main(rows: int = 5000, seconds: float = 0.001, repeats: int = 3) -> None:
    """Print the smallest ratio of map to plain loop over ``repeats`` pairs. Leaves with 1 when the target is missed."""
    ratios = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            loop = plain(Path(folder), rows, seconds)
            ratios.append(mapped(Path(folder), rows, seconds) / loop)
    targets = Targets()
    what = f"resumable map / plain loop, {rows} rows of {seconds * 1000:g} ms, the least of {', '.join(f'{ratio:.3f}' for ratio in ratios)}"
    targets.show(what, min(ratios), at_most=1.03, digits=3)
    targets.end()


if __name__ == "__main__":
    main()
