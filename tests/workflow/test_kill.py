"""Kill and resume: SIGKILL at random moments during edit and verify leaves the dataset as an undisturbed run makes it (design section 4)."""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from checkout import COMPUTES, SNAKEMAKE, Checkout
from conftest import LONG
from unicedit.map.finish import BEHIND
from unicedit.map.journal import read_segment
from unicedit.schema import EDIT, VERIFY

pytestmark = pytest.mark.workflow

KILLS = 100 if LONG else 20
BATCH = 2
SCHEMAS = {"edit": EDIT, "verify": VERIFY}
CONFIG = f"""\
library: {{shard_size: 12}}
world: {{images: 24}}
ingest: {{size_divisor: 2}}
benchmark: {{source: none}}
edit: {{batch_size: {BATCH}}}
verify: {{batch_size: {BATCH}}}
"""
# the checkout's own copy of the map tells of every row that is about to be computed, before it is
TOLD = f"""\
            with open("computed.txt", "a") as told:
                told.write("".join(f"{{stage.name}} {{os.getpid()}} {{item.key}}\\n" for item in batch[0]))
{COMPUTES}"""


def start(run: Checkout) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*SNAKEMAKE, *run.overlay(), "--profile", "profiles/local", "--cores", "2", "--nolock", "--retries", "0", "dataset"],
        cwd=run.folder,
        stdout=subprocess.DEVNULL,
        stderr=run.path("head.txt").open("wb"),
        start_new_session=True,
    )


def victims(head: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The running edit and verify commands under a Snakemake process."""
    found = []
    with suppress(psutil.NoSuchProcess):
        for process in psutil.Process(head.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                line = process.cmdline()
                if line[:1] and "python" in line[0] and any(part.endswith(("/edit.py", "/verify.py")) for part in line[1:3]):
                    found.append(process)
    return found


def kill(head: subprocess.Popen[bytes], one: psutil.Process | None) -> None:
    """Kill one command and let Snakemake end by itself, or kill Snakemake and all its commands at once."""
    if one is not None:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    else:
        with suppress(ProcessLookupError):
            os.killpg(head.pid, signal.SIGKILL)
    head.wait()


def journalled(run: Checkout) -> dict[tuple[str, str], set[str]]:
    """Keys in the journals, by stage and shard."""
    found: dict[tuple[str, str], set[str]] = {}
    for stage, schema in SCHEMAS.items():
        for folder in run.folder.glob(f"scratch/journal/{stage}/*"):
            segments = [path for path in folder.iterdir() if path.suffix in (".part", ".arrow")]
            found[stage, folder.name] = {
                key for path in segments for batch in read_segment(path, schema) for key in batch.column("key").to_pylist()
            }
    return found


def progress(run: Checkout, stage: str, shard: str) -> dict[str, int]:
    path = run.path(f"scratch/progress/{stage}/{shard}.json")
    record: dict[str, int] = json.loads(path.read_text()) if path.exists() else {"attempt": 0}
    return record


def begin_again(run: Checkout) -> None:
    """Take away all that edit and what follows it made."""
    for pattern in ("edit/*", "verify/*", ".kept/edit/*", ".kept/verify/*", "dataset/data/*", "dataset/sidecars/shard-*"):
        for path in run.folder.glob(f"results/{pattern}"):
            path.unlink()


def test_random_kills_lose_nothing_and_redo_only_batches_in_flight(tmp_path: Path) -> None:
    run = Checkout.fresh(tmp_path / "checkout")
    run.path("test.yaml").write_text(CONFIG)
    run.snakemake("dataset")
    undisturbed = run.dataset()
    assert len(undisturbed) == 2
    run.replace("workflow/scripts/unicedit/map/compute.py", COMPUTES, TOLD)
    begin_again(run)
    chance = random.Random(20)
    killed: Counter[str] = Counter()
    beginnings = 1
    for _ in range(5 * KILLS):
        if killed.total() == KILLS:
            break
        held, attempts = journalled(run), {place: progress(run, *place)["attempt"] for place in journalled(run)}
        head = start(run)
        deadline = time.monotonic() + 120
        while not (found := victims(head)) and head.poll() is None:
            assert time.monotonic() < deadline, (
                f"no edit or verify command was seen, and Snakemake goes on: {run.path('head.txt').read_text()[-2000:]}"
            )
            time.sleep(0.01)
        # the command needs about a second to start; what is then computed takes some more
        time.sleep(chance.uniform(0.5, 3.0))
        if found := victims(head):
            only = chance.choice([None, *found])
            killed["all" if only is None else "command"] += 1
            kill(head, only)
        elif head.wait() == 0 and killed.total() < KILLS:
            assert run.dataset() == undisturbed
            begin_again(run)
            beginnings += 1
        for place, keys in held.items():
            if (record := progress(run, *place))["attempt"] == attempts[place] + 1:
                assert record["resumed"] == len(keys), f"{place}: what was journalled before the kill was not resumed"
    assert killed.total() == KILLS, "most attempts ended before a kill: the moments are chosen wrongly for this machine"
    assert start(run).wait() == 0, run.path("head.txt").read_text()[-3000:]
    assert run.dataset() == undisturbed
    assert min(killed["all"], killed["command"]) > KILLS // 10, "both kinds of kill happened"
    attempts = "".join(path.read_text() for path in run.folder.glob("results/logs/*/*.attempts.log"))
    assert attempts.count("attempt begins") > attempts.count("attempt ended"), "a killed attempt says nothing of its end"
    told: dict[str, dict[str, int]] = defaultdict(Counter)
    for line in run.path("computed.txt").read_text().splitlines():
        stage, _, key = line.split(" ", 2)
        told[stage][key] += 1
    rows = {stage: sum(run.sidecar(f"{stage}/{shard}")["rows"] for shard in ("00000", "00001")) for stage in SCHEMAS}
    assert {stage: len(keys) for stage, keys in told.items()} == rows, "no row was left out, and none was computed that is not in the table"
    redone = {stage: sum(keys.values()) - beginnings * rows[stage] for stage, keys in told.items()}
    # at most two commands run at a time, each with one batch that it computes and those that are encoded and written meanwhile
    assert 0 <= sum(redone.values()) <= (2 * killed["all"] + killed["command"]) * (1 + BEHIND) * BATCH, redone
