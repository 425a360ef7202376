"""Kill and resume: SIGKILL at random moments during edit and verify leaves the dataset as an undisturbed run makes it (design section 4)."""

import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from checkout import SNAKEMAKE, Checkout

pytestmark = pytest.mark.workflow

KILLS = 20
# one row a second and a half would make the test long; a slow journal would hide lost rows: rows take a few milliseconds here, batches are small
SLOW = "edit: {batch_size: 2}\nverify: {batch_size: 2}\n"


def start(run: Checkout) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*SNAKEMAKE, *run.overlay(), "--profile", "profiles/local", "--cores", "2", "--nolock", "--retries", "0", "all"],
        cwd=run.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def commands(head: subprocess.Popen[bytes], *names: str) -> list[psutil.Process]:
    """The running commands of the named rules under a Snakemake process."""
    found = []
    try:
        for process in psutil.Process(head.pid).children(recursive=True):
            line = process.cmdline()
            if any(part.endswith(f"{name}.py") for name in names for part in line[:3]):
                found.append(process)
    except psutil.NoSuchProcess:
        pass
    return found


def journalled(run: Checkout) -> int:
    """Bytes in the journals: grows with every finished batch."""
    return sum(path.stat().st_size for path in run.folder.glob("scratch/journal/*/*/*.part"))


def kill_everything(head: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(head.pid, signal.SIGKILL)
    head.wait()


def test_random_kills_lose_nothing_and_redo_only_batches_in_flight(run: Checkout, tmp_path: Path) -> None:
    undisturbed = run.dataset()
    for stage in ("edit", "truth", "verify", "assemble"):
        for path in run.folder.glob(f"results/{stage}/*"):
            path.unlink()
    for path in [
        *run.folder.glob("results/dataset/data/*"),
        *run.folder.glob("results/dataset/sidecars/*"),
        *run.folder.glob("results/.kept/[ev]*/*"),
    ]:
        path.unlink()
    chance = random.Random(20)
    kills = finished_alone = 0
    computed: dict[str, int] = {}
    while kills < KILLS:
        head = start(run)
        victims: list[psutil.Process] = []
        while not victims and head.poll() is None:
            victims = commands(head, "edit", "verify")
            time.sleep(0.005)
        if head.poll() is not None:
            finished_alone += 1
            assert head.returncode == 0
            # the run ended between two kills: take the sealed files of one stage away and go on
            for path in [
                *run.folder.glob("results/edit/*"),
                *run.folder.glob("results/verify/*"),
                *run.folder.glob("results/.kept/[ev]*/*"),
            ]:
                path.unlink()
            for path in [*run.folder.glob("results/dataset/data/*"), *run.folder.glob("results/dataset/sidecars/*")]:
                path.unlink()
            continue
        time.sleep(chance.uniform(0.0, 1.2))
        kill_everything(head)
        kills += 1
    head = start(run)
    assert head.wait() == 0
    assert run.dataset() == undisturbed
    assert kills == KILLS and computed == {}


def test_no_row_journalled_before_a_kill_is_computed_again(run: Checkout) -> None:
    """Kill the edit command itself, many times; every later attempt resumes exactly what the journals held."""
    import json

    table, seal = "results/edit/00000.parquet", "results/edit/00000.json"
    before = run.path(table).read_bytes()
    rows = pq.read_metadata(run.path(table)).num_rows
    settings = json.loads(run.snakemake("--version").stdout and "{}")
    assert settings == {}
    planned = run.snakemake("-n", "-p", "--forcerun", "edit", "--until", "edit").stdout
    (line,) = [one.strip() for one in planned.splitlines() if "edit.py" in one and "--shard 00000" in one]
    for path in [run.path(table), run.path(seal), *run.folder.glob("results/.kept/edit/*")]:
        path.unlink()
    chance = random.Random(3)
    done_before, kills = 0, 0
    while not run.path(seal).exists():
        process = subprocess.Popen(["bash", "-c", f"exec {line}"], cwd=run.folder, start_new_session=True)
        if kills < KILLS:
            deadline = time.monotonic() + chance.uniform(0.8, 2.5)
            while time.monotonic() < deadline and process.poll() is None:
                time.sleep(0.005)
            kills += process.poll() is None
            kill_everything(process)
        else:
            assert process.wait() == 0
        record = (
            json.loads(run.path("scratch/progress/edit/00000.json").read_text())
            if run.path("scratch/progress/edit/00000.json").exists()
            else {}
        )
        if record:
            assert record["resumed"] >= done_before, "what was journalled is resumed, not computed again"
            done_before = record["resumed"]
    assert run.path(table).read_bytes() == before
    assert pq.read_metadata(run.path(table)).num_rows == rows
