"""The resumable map: resume, reuse, failure by row, byte-identical seals."""

import json
import multiprocessing
import random
import signal
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from number_stage import NumberStage, calls_of, run_numbers
from unicedit.map.compute import EngineError
from unicedit.map.journal import read_segment
from unicedit.map.stage import RowError

NUMBERS = range(57)


def sealed(folder: Path) -> bytes:
    return (folder / "results/number/00000.parquet").read_bytes()


def sidecar(folder: Path) -> dict:
    return json.loads((folder / "results/number/00000.json").read_text())


def test_rows_are_sealed_in_order_with_their_recipe(tmp_path: Path) -> None:
    counts = run_numbers(tmp_path, NumberStage(NUMBERS, tmp_path / "calls"))
    table = pq.read_table(tmp_path / "results/number/00000.parquet")
    assert table["number"].to_pylist() == list(NUMBERS)
    assert table["square"].to_pylist() == [number**2 for number in NUMBERS]
    assert set(table["recipe"].to_pylist()) == {"r1"}
    assert counts["computed"] == len(NUMBERS)
    assert sidecar(tmp_path)["status"] == {"ok": 57, "rejected": 0, "failed": 0}
    assert not list((tmp_path / "scratch/journal/number/00000").iterdir()), "the journal is removed after the seal"


def test_bytes_do_not_depend_on_batches_workers_or_segments(tmp_path: Path) -> None:
    made = []
    for name, batch, settings in (("a", 4, {}), ("b", 7, {"segment_seconds": 0.001}), ("c", 3, {"workers": 2})):
        folder = tmp_path / name
        folder.mkdir()
        run_numbers(folder, NumberStage(NUMBERS, folder / "calls", batch_size=batch, bad=[5, 6]), **settings)
        made.append(sealed(folder))
    assert made[0] == made[1] == made[2]


def test_failed_rows_are_recorded_and_not_computed_again(tmp_path: Path) -> None:
    run_numbers(tmp_path, NumberStage(NUMBERS, tmp_path / "calls", bad=[3]))
    row = pq.read_table(tmp_path / "results/number/00000.parquet").to_pylist()[3]
    assert (row["status"], row["reason"], row["square"], row["number"]) == ("failed", "odd_number: 3 will not do", None, 3)
    assert sidecar(tmp_path)["reasons"] == {"odd_number": 1}
    assert run_numbers(tmp_path, NumberStage(NUMBERS, tmp_path / "calls"))["computed"] == 0
    (tmp_path / "results/.kept/number/00000.retry").touch()
    assert run_numbers(tmp_path, NumberStage(NUMBERS, tmp_path / "calls"))["computed"] == 1
    assert sidecar(tmp_path)["status"]["failed"] == 0


def test_same_recipe_reuses_every_row_and_the_file_itself(tmp_path: Path) -> None:
    run_numbers(tmp_path, NumberStage(NUMBERS, tmp_path / "calls"))
    before, inode = sealed(tmp_path), (tmp_path / "results/.kept/number/00000.parquet").stat().st_ino
    (tmp_path / "results/number/00000.parquet").unlink()
    counts = run_numbers(tmp_path, NumberStage(NUMBERS, tmp_path / "calls"))
    assert (counts["computed"], counts["reused"]) == (0, 57)
    assert sealed(tmp_path) == before
    assert (tmp_path / "results/number/00000.parquet").stat().st_ino == inode


def test_new_recipe_computes_all_and_new_input_computes_one(tmp_path: Path) -> None:
    run_numbers(tmp_path, NumberStage(NUMBERS, tmp_path / "calls"))
    assert run_numbers(tmp_path, NumberStage([*NUMBERS, 99], tmp_path / "calls"))["computed"] == 1
    assert run_numbers(tmp_path, NumberStage(NUMBERS, tmp_path / "calls", recipe="r2"))["computed"] == 57


def test_accepted_recipe_adopts_finished_rows(tmp_path: Path) -> None:
    run_numbers(tmp_path, NumberStage(NUMBERS, tmp_path / "calls"))
    accepted = tmp_path / "results/.accepted/number.json"
    accepted.parent.mkdir()
    accepted.write_text(json.dumps([{"old": "r1", "new": "r2"}]))
    assert run_numbers(tmp_path, NumberStage(NUMBERS, tmp_path / "calls", recipe="r2"))["computed"] == 0
    table = pq.read_table(tmp_path / "results/number/00000.parquet")
    assert set(table["recipe"].to_pylist()) == {"r1"}, "provenance says by which recipe the rows were made"


def test_moved_threshold_decides_again_without_computing(tmp_path: Path) -> None:
    run_numbers(tmp_path, NumberStage(NUMBERS, tmp_path / "calls", limit=100))
    assert sidecar(tmp_path)["status"] == {"ok": 11, "rejected": 46, "failed": 0}
    assert run_numbers(tmp_path, NumberStage(NUMBERS, tmp_path / "calls", limit=400))["computed"] == 0
    assert sidecar(tmp_path)["status"] == {"ok": 21, "rejected": 36, "failed": 0}


def test_broken_engine_stops_the_job_instead_of_failing_every_row(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="engine on fire"):
        run_numbers(tmp_path, NumberStage(NUMBERS, tmp_path / "calls", broken=True), stop_after_failures=8, retries=0)
    assert not (tmp_path / "results/number/00000.parquet").exists()


def test_half_a_character_in_a_reason_is_stored_escaped(tmp_path: Path) -> None:
    class Halved(NumberStage):
        def _compute(self, batch):  # type: ignore[no-untyped-def]
            return [
                RowError("bad: \ud800") if number == 3 else rows for (_, number), rows in zip(batch, super()._compute(batch), strict=True)
            ]

    run_numbers(tmp_path, Halved(NUMBERS, tmp_path / "calls"))
    table = pq.read_table(tmp_path / "results/number/00000.parquet").to_pylist()
    assert table[3]["reason"] == "bad: \\ud800"
    assert [row["square"] for row in table[:3]] == [0, 1, 4]


@pytest.mark.parametrize("workers", [0, 1])
def test_engine_that_cannot_be_opened_stops_the_job(tmp_path: Path, workers: int) -> None:
    with pytest.raises(EngineError, match="no such model"):
        run_numbers(tmp_path, NumberStage(NUMBERS, tmp_path / "calls", opening="raises"), workers=workers)
    assert not (tmp_path / "results/number/00000.parquet").exists()


def test_worker_that_dies_of_opening_its_engine_stops_the_job(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="a worker died while its engine was opened"):
        run_numbers(tmp_path, NumberStage(NUMBERS, tmp_path / "calls", opening="dies"), workers=1)
    assert not (tmp_path / "results/number/00000.parquet").exists()


def test_rows_that_all_kill_their_worker_stop_the_job(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="the first 3 rows all failed, the last with: worker_died"):
        run_numbers(tmp_path, NumberStage(NUMBERS, tmp_path / "calls", poison=NUMBERS), workers=1, stop_after_failures=3)
    assert not (tmp_path / "results/number/00000.parquet").exists()


def test_row_that_kills_its_worker_is_failed_and_the_rest_survives(tmp_path: Path) -> None:
    counts = run_numbers(tmp_path, NumberStage(NUMBERS, tmp_path / "calls", poison=[11]), workers=1)
    table = pq.read_table(tmp_path / "results/number/00000.parquet").to_pylist()
    assert [row["number"] for row in table if row["status"] == "failed"] == [11]
    assert table[11]["reason"].startswith("worker_died")
    assert counts["computed"] == 57


def _run(folder: Path, seconds: float) -> None:
    run_numbers(folder, NumberStage(NUMBERS, folder / "calls", seconds=seconds))


def test_killed_map_resumes_without_redoing_finished_rows(tmp_path: Path) -> None:
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    _run(undisturbed, 0)
    context = multiprocessing.get_context("spawn")
    chance = random.Random(7)
    kills = 0
    while not (tmp_path / "results/number/00000.json").exists():
        process = context.Process(target=_run, args=(tmp_path, 0.02))
        process.start()
        before = len(calls_of(tmp_path / "calls"))
        while process.is_alive() and len(calls_of(tmp_path / "calls")) == before:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.3))
        if process.is_alive() and kills < 6:
            process.kill()
            kills += 1
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
    assert kills >= 3
    assert sealed(tmp_path) == sealed(undisturbed)
    assert len(calls_of(tmp_path / "calls")) - len(NUMBERS) <= 4 * kills, "at most the batch in flight is redone"


def test_terminated_map_flushes_and_leaves_with_143(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(tmp_path, 0.05))
    process.start()
    while len(calls_of(tmp_path / "calls")) < 6:
        time.sleep(0.02)
    process.terminate()
    process.join()
    assert process.exitcode == 143
    done = len(calls_of(tmp_path / "calls"))
    _run(tmp_path, 0)
    assert len(calls_of(tmp_path / "calls")) == len(NUMBERS) >= done, "nothing is redone after a clean stop"


def test_torn_journal_is_read_up_to_the_tear(tmp_path: Path) -> None:
    from number_stage import SCHEMA
    from unicedit.map.journal import Journal
    from unicedit.map.lease import Lease

    rows = [{"key": f"n{n}", "number": n, "status": "ok", "recipe": "r1", "inputs": str(n)} for n in range(8)]
    with Lease(tmp_path / "lease", 5) as lease:
        journal = Journal(tmp_path / "journal", SCHEMA, lease, 1 << 20, 60)
        journal.append(rows[:4])
        journal.append(rows[4:])
        (part,) = journal.segments()
        whole = part.read_bytes()
        assert sum(batch.num_rows for batch in read_segment(part, SCHEMA)) == 8
        chance = random.Random(3)
        for _ in range(60):
            cut = chance.randrange(len(whole))
            damaged = bytearray(whole[:cut] if chance.random() < 0.5 else whole)
            if len(damaged) == len(whole):
                damaged[cut] ^= 0xFF
            torn = tmp_path / "torn.part"
            torn.write_bytes(bytes(damaged))
            read = [row["number"] for batch in read_segment(torn, SCHEMA) for row in batch.to_pylist()]
            assert read in ([], [0, 1, 2, 3], list(range(8)) if damaged == bytearray(whole) else [0, 1, 2, 3])
