"""The disk of results and journals runs full while a job computes."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from slurm.cluster import IN_FLIGHT, ClusterRun

pytestmark = pytest.mark.workflow


def used(folder: Path) -> int:
    return sum(int(line.split()[0]) for line in subprocess.check_output(["du", "-sB1", str(folder)], text=True).splitlines())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder that is a file system of its own, of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"a disk of a size of one's own needs the right to mount: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_full_disk_loses_nothing_that_was_finished(edits_missing: ClusterRun, undisturbed: ClusterRun, small_disk: Path) -> None:
    run = edits_missing
    run.pace(edit=0.0)
    missing = undisturbed.path("results/edit/00000.parquet").stat().st_size
    size = used(run.path("results")) + used(run.path("scratch")) + missing // 2
    subprocess.run(["mount", "-o", f"remount,size={size}", str(small_disk)], check=True)
    subprocess.run(["cp", "-a", str(run.path("results")), str(run.path("scratch")), str(small_disk)], check=True)
    for name in ("results", "scratch"):
        shutil.rmtree(run.path(name))
        run.path(name).symlink_to(small_disk / name)
    assert run.finish(run.start("--retries", "0")) != 0, "there is no room for the edits"
    assert not run.path("results/edit/00000.parquet").exists()
    assert "error: no space left" in run.path("results/logs/edit/00000.log").read_text()
    before = run.computed()["edit"].total()
    assert IN_FLIGHT < before < undisturbed.sidecar("edit/00000")["rows_in"], "it filled up midway"
    subprocess.run(["mount", "-o", "remount,size=1g", str(small_disk)], check=True)
    assert run.finish(run.start("--retries", "0")) == 0, run.said()
    assert run.completed() == undisturbed.dataset()
    assert run.rows("resumed")["edit"] >= before - IN_FLIGHT
    assert run.redone("edit", "verify") <= IN_FLIGHT
