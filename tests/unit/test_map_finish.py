"""What is done beside the computation: finishing rows in threads, and one GPU a worker."""

import threading
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from number_stage import NumberStage, run_numbers
from unicedit.map.compute import EngineError, UnexpectedError
from unicedit.map.devices import visible_devices
from unicedit.map.finish import BEHIND, finished
from unicedit.map.stage import Item, Row, RowError

NUMBERS = range(23)


class Finished(NumberStage):
    """Squares that are written out as bytes beside the computation."""

    seconds_of_finishing = 0.0

    def finish(self, rows: list[Row]) -> list[Row] | RowError:
        assert threading.current_thread().name.startswith("finish")
        time.sleep(self.seconds_of_finishing)
        square = rows[0]["square"]
        if square == 49:
            raise ValueError("seven squared")
        return RowError("odd_square: 81 will not do") if square == 81 else [{**rows[0], "blob": str(square).encode()}]


@pytest.mark.parametrize("workers", [0, 2])
def test_rows_are_finished_beside_the_computation_in_the_jobs_own_process(tmp_path: Path, workers: int) -> None:
    run_numbers(tmp_path, Finished(NUMBERS, tmp_path / "calls", bad=[3]), workers=workers)
    rows = pq.read_table(tmp_path / "results/number/00000.parquet").to_pylist()
    assert [row["number"] for row in rows] == list(NUMBERS)
    failed = {row["number"]: row["reason"] for row in rows if row["status"] == "failed"}
    assert failed == {3: "odd_number: 3 will not do", 7: "error: ValueError: seven squared", 9: "odd_square: 81 will not do"}
    assert all(row["blob"] == str(row["number"] ** 2).encode() for row in rows if row["number"] not in failed)


def _batches(count: int, computed: list[int]) -> Any:
    for number in range(count):
        computed.append(number)
        yield [Item(str(number), "", "")], [[{"square": number}]]


def test_computing_does_not_run_away_from_finishing(tmp_path: Path) -> None:
    stage, computed = Finished([], tmp_path / "calls"), list[int]()
    stage.seconds_of_finishing = 0.05
    taken = 0
    for items, _ in finished(stage, _batches(20, computed)):
        taken += len(items)
        assert len(computed) - taken <= BEHIND
    assert taken == 20


def test_what_was_computed_before_the_engine_broke_is_kept(tmp_path: Path) -> None:
    class Breaking(Finished):
        seconds_of_finishing = 0.2

        def _compute(self, batch: Any) -> Any:
            if batch[0][0].row["number"] == 8:
                raise EngineError("the budget is spent")
            return super()._compute(batch)

    with pytest.raises(EngineError, match="the budget is spent"):
        run_numbers(tmp_path, Breaking(NUMBERS, tmp_path / "calls"))
    assert run_numbers(tmp_path, Finished(NUMBERS, tmp_path / "calls"))["resumed"] == 8


def test_what_finishing_raises_is_no_fault_of_the_engine_alone(tmp_path: Path) -> None:
    ((_, results),) = finished(Finished([], tmp_path / "calls"), [([Item("7", "", "")], [[{"square": 49}]])])
    assert isinstance(results[0], UnexpectedError)


@pytest.mark.parametrize(
    ("named", "expected"),
    [(None, ["0", "1"]), ("3, 5", ["3", "5"]), ("MIG-41b3359c", ["MIG-41b3359c"]), ("", []), ("-1", [])],
)
def test_devices_of_a_job(tmp_path: Path, named: str | None, expected: list[str]) -> None:
    for name in ("nvidia0", "nvidia7", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert visible_devices({} if named is None else {"CUDA_VISIBLE_DEVICES": named}, tmp_path) == expected
