"""One writer an output."""

import json
import multiprocessing
import time
from pathlib import Path

import pytest

from unicedit.map.lease import Lease, LeaseHeld, LeaseLost


def _hold(path: str, held: "multiprocessing.synchronize.Event") -> None:
    with Lease(Path(path), 1.0):
        held.set()
        time.sleep(60)


def test_second_writer_is_refused_and_told_who_writes(tmp_path: Path) -> None:
    with Lease(tmp_path / "lease", 1.0), pytest.raises(LeaseHeld, match="is writing this output"), Lease(tmp_path / "lease", 1.0):
        pass
    assert not (tmp_path / "lease").exists()


def test_lease_of_a_killed_process_is_taken_over_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    owner = context.Process(target=_hold, args=(str(tmp_path / "lease"), held))
    owner.start()
    assert held.wait(30)
    owner.kill()
    owner.join()
    started = time.monotonic()
    with Lease(tmp_path / "lease", 30.0):
        assert time.monotonic() - started < 5


def test_lease_of_another_node_is_taken_over_only_when_its_beat_stands_still(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    path.write_text(
        json.dumps({"host": "elsewhere", "boot": "b", "pids": "p", "pid": 1, "started": 0.0, "token": "t", "beat": 3, "job": "17"})
    )
    started = time.monotonic()
    with Lease(path, 1.0) as lease:
        assert time.monotonic() - started >= 1.0
        lease.check()


def test_fenced_out_owner_does_not_write(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    with Lease(path, 5.0) as lease:
        path.unlink()
        with Lease(path, 5.0), pytest.raises(LeaseLost):
            lease.check()
