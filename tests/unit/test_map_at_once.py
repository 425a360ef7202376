"""Batches computed at once in one process, for an engine that waits for a server."""

import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from number_stage import NumberStage, calls_of, run_numbers
from unicedit.map.compute import EngineError, computed
from unicedit.map.stage import Batch, Compute, Item, RowError
from unicedit.map.window import Interrupted

NUMBERS = range(23)
SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"


class Together(NumberStage):
    """A stage two of whose batches must be under way before one can end, but for the last."""

    batches_at_once = 2

    def __init__(self, calls: Path, **more: Any) -> None:
        super().__init__(NUMBERS, calls, **more)
        self.pair = threading.Barrier(2)
        self.opened = 0
        self.closing = threading.Event()

    def open(self) -> Compute:
        self.opened += 1
        return super().open()

    def _compute(self, batch: Batch) -> Any:
        if len(batch) == self.batch_size and batch[0][1] < 20:
            try:
                self.pair.wait(timeout=20)
            except threading.BrokenBarrierError:
                raise EngineError("a batch was alone") from None  # another error would have the rows tried alone
        return super()._compute(batch)


def run_of(stage: Together) -> Iterator[tuple[list[Item], list[Any]]]:
    return computed(stage, list(stage.items()), workers=0, prefetch=2, retries=0, closing=stage.closing)


def test_two_batches_are_under_way_at_once_and_come_in_order(tmp_path: Path) -> None:
    stage = Together(tmp_path / "calls", batch_size=5)
    found = list(run_of(stage))
    assert [item.row["number"] for items, _ in found for item in items] == list(NUMBERS)
    assert [len(items) for items, _ in found] == [5, 5, 5, 5, 3] and stage.opened == 1
    assert all(
        result[0]["square"] == item.row["number"] ** 2 for items, results in found for item, result in zip(items, results, strict=True)
    )


def test_what_was_under_way_beside_a_broken_batch_comes_before_the_error(tmp_path: Path) -> None:
    class Breaking(Together):
        def _compute(self, batch: Batch) -> Any:
            result = super()._compute(batch)
            if batch[0][1] == 10:
                raise EngineError("the budget is spent")
            return result

    stage, found = Breaking(tmp_path / "calls", batch_size=5), list[int]()
    with pytest.raises(EngineError, match="the budget is spent"):
        for items, _ in run_of(stage):
            found += [item.row["number"] for item in items]
    assert found == [*range(10), *range(15, 20)], "10 to 14 were lost with the engine"
    assert calls_of(tmp_path / "calls")[-1] < 20, "no batch begins after the error"


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_once_the_job_closes_no_batch_begins_and_all_under_way_come(tmp_path: Path, at_once: int) -> None:
    class Closing(Together):
        batches_at_once = at_once

        def _compute(self, batch: Batch) -> Any:
            self.pair.wait(timeout=20)  # all are under way
            if batch[0][1] == 0:
                self.closing.set()
            return super()._compute(batch)

    stage = Closing(tmp_path / "calls", batch_size=4)
    stage.pair = threading.Barrier(at_once)
    assert [item.row["number"] for items, _ in run_of(stage) for item in items] == [*range(4 * at_once)]


@pytest.mark.parametrize("at_once", [1, 2])
@pytest.mark.parametrize("where", ["opening", "computing", "last"])
def test_a_job_that_is_told_to_stop_keeps_what_is_under_way_and_goes_on_later(tmp_path: Path, at_once: int, where: str) -> None:
    class Told(Together):
        batches_at_once = at_once

        def open(self) -> Compute:
            if where == "opening":
                os.kill(os.getpid(), signal.SIGTERM)
            return super().open()

        def _compute(self, batch: Batch) -> Any:
            self.pair.wait(timeout=20)
            if batch[0][1] == {"computing": 4, "last": 12}.get(where):
                os.kill(os.getpid(), signal.SIGTERM)
            return super()._compute(batch)

    def stage() -> Told:
        made = Told(tmp_path / "calls", batch_size=4)
        made.numbers, made.pair = made.numbers[:16], threading.Barrier(at_once)
        return made

    if where == "last":
        counts = run_numbers(tmp_path, stage())
        assert counts["computed"] == 16, "nothing is left to do later"
        return
    with pytest.raises(Interrupted):
        run_numbers(tmp_path, stage())
    done = {"opening": 0, "computing": 8}[where]
    where = ""
    assert run_numbers(tmp_path, stage())["resumed"] in ((done, done + 4) if at_once == 2 and done else (done,))


def test_what_was_under_way_comes_before_an_error_of_reading(tmp_path: Path) -> None:
    class Unreadable(Together):
        def load(self, items: Any) -> Any:
            if items[0].row["number"] == 10:
                raise OSError("the disk is gone")
            return super().load(items)

    found = list[int]()
    with pytest.raises(OSError, match="the disk is gone"):
        for items, _ in run_of(Unreadable(tmp_path / "calls", batch_size=5)):
            found += [item.row["number"] for item in items]
    assert found == [*range(10)]


def test_an_engine_is_let_go_with_its_error(tmp_path: Path) -> None:
    class Breaking(Together):
        def _compute(self, batch: Batch) -> Any:
            raise EngineError("the budget is spent")

    stage = Breaking(tmp_path / "calls")
    gone = weakref.ref(stage)
    gc.collect()
    gc.disable()
    try:
        with contextlib.suppress(EngineError):
            list(run_of(stage))
        del stage
        time.sleep(0.3)
        assert gone() is None, "no cycle keeps it for the garbage collector"
    finally:
        gc.enable()


def test_rows_and_their_files_are_those_of_one_batch_at_a_time(tmp_path: Path) -> None:
    bad = [3, 11]
    alone, together = NumberStage(NUMBERS, tmp_path / "alone", bad=bad), Together(tmp_path / "together", bad=bad, batch_size=4)
    together.pair = threading.Barrier(1)
    counts = [run_numbers(tmp_path / name, stage) for name, stage in (("a", alone), ("b", together))]
    assert counts[0] == counts[1] and counts[0]["failed"] == len(bad)
    first, second = ((tmp_path / name / "results/number/00000.parquet").read_bytes() for name in ("a", "b"))
    assert first == second


def test_an_engine_that_cannot_be_opened_says_so_and_nothing_is_left_running(tmp_path: Path) -> None:
    before = threading.active_count()
    with pytest.raises(EngineError, match="no such model"):
        list(run_of(Together(tmp_path / "calls", opening="raises")))
    for thread in threading.enumerate():
        if thread.name in ("ahead", "compute"):
            thread.join(5)
    assert threading.active_count() <= before


def test_where_nothing_is_missing_no_engine_is_opened(tmp_path: Path) -> None:
    stage = Together(tmp_path / "calls", opening="raises")
    assert list(computed(stage, [], workers=0, prefetch=2, retries=0, closing=stage.closing)) == []


def test_an_unreadable_input_is_raised(tmp_path: Path) -> None:
    class Unreadable(Together):
        def load(self, items: Any) -> list[int | RowError]:
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(run_of(Unreadable(tmp_path / "calls")))


def test_the_end_of_the_process_does_not_wait_for_a_batch_that_was_given_up() -> None:
    given_up = "import time; from unicedit.map.compute import in_thread; in_thread(time.sleep, 60)"
    subprocess.run([sys.executable, "-c", given_up], cwd=SCRIPTS, timeout=30, check=True)
