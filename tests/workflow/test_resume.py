"""`make resume` after SIGKILL of a local Snakemake: its commands live on, no output has two writers, and the dataset is that of an undisturbed run (issue 6)."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from checkout import SNAKEMAKE, Checkout
from unicedit.cluster.process import is_rule, working_in

pytestmark = pytest.mark.workflow


def commands(run: Checkout) -> list[int]:
    """Processes of rules' commands that work in the checkout."""
    return [process.pid for process, words in working_in(run.folder.resolve()) if is_rule(words, run.path("results"), run.folder.resolve())]


@pytest.mark.parametrize("mode", ["wait", "cancel"])
def test_a_killed_local_run_goes_on(finished_run: Checkout, tmp_path: Path, mode: str) -> None:
    run = finished_run.copy(tmp_path / "checkout")
    for name in ("results", "scratch", ".snakemake"):
        shutil.rmtree(run.path(name))
    command = [*SNAKEMAKE, *run.overlay(), "--profile", "profiles/local", "--cores", "2", "dataset"]
    with run.path("killed.log").open("wb") as log:
        killed = subprocess.Popen(command, cwd=run.folder, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + 120
    # the second stage: by then something is sealed
    while not (run.path("results/logs/prefilter").is_dir() and commands(run)) and time.monotonic() < deadline:
        time.sleep(0.02)
    left = commands(run)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert left, run.path("killed.log").read_text()[-2000:]
    assert any(run.path(".snakemake/locks").iterdir())
    resumed = subprocess.run(
        [sys.executable, "workflow/scripts/resume.py", "--mode", mode, "--pause", "0.2", "--", *command],
        cwd=run.folder,
        capture_output=True,
        text=True,
    )
    said = resumed.stdout + resumed.stderr
    assert resumed.returncode == 0, said[-3000:]
    assert "The folder is unlocked." in said
    assert not commands(run)
    assert run.dataset() == finished_run.dataset()
