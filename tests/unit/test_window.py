"""A job's time limit, as far as no Slurm is needed: tests/slurm has the rest."""

import os
import signal
from pathlib import Path

import pytest

from unicedit.map.window import Interrupted, Window, seconds_of


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("0:59\n", 59), ("1:30", 90), ("2:00:05", 7205), ("1-02:00:00", 93600), ("UNLIMITED", 0), ("", 0), ("INVALID\n", 0)],
)
def test_time_left_as_squeue_says_it(said: str, seconds: float) -> None:
    assert seconds_of(said) == seconds


def test_sigterm_closes_the_window_and_the_signal_before_a_time_limit_does_nothing_outside_slurm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    former = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted) as stopped, Window(tmp_path / "window.json", "edit, shard 00000") as window:
        os.kill(os.getpid(), signal.SIGURG)
        assert not window.closing.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        assert window.closing.is_set()
        window.close()
    assert stopped.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is former
    assert not (tmp_path / "window.json").exists()
