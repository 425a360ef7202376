"""A run with a hub's model: it stops before the first job while the model is not locked, and needs no network once it is fetched."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from checkout import REPOSITORY, SNAKEMAKE, Checkout
from hub_server import put, served

pytestmark = pytest.mark.workflow

COMMIT = "a" * 40
CONFIG = """
world: {images: 4}
instruct: {per_image: {min: 1, max: 1}}
models: {lock: models.lock.json}
verify: {engine: transformers, attempts: 1, transformers: {model: lab/tiny, max_new_tokens: 16}}
"""


def _clean(**more: str) -> dict[str, str]:
    return {**{name: value for name, value in os.environ.items() if not name.startswith("HF_")}, **more}


def test_model_of_a_hub_is_locked_fetched_and_read_without_a_network(tmp_path: Path) -> None:
    run = Checkout.fresh(tmp_path / "checkout")
    run.path("test.yaml").write_text(CONFIG)
    files = {path.name: path.read_bytes() for path in (REPOSITORY / "models" / "tiny-base").iterdir()}
    put(tmp_path / "hub", "lab/tiny", COMMIT, files, licence="apache-2.0")
    shutil.rmtree(run.path("models"))
    run.path("test.yaml").write_text(CONFIG + "verifier: {base: lab/tiny}\n")

    stopped = run.snakemake("all", check=False)
    assert stopped.returncode != 0 and "config: verify.transformers.model = 'lab/tiny'" in stopped.stderr, stopped.stderr
    assert "make fetch-models" in stopped.stderr and not run.path("results/index").exists()
    assert "warning: config: verify.transformers.model = 'lab/tiny'" in run.snakemake("-n", "all").stderr

    with served(tmp_path / "hub") as endpoint:
        command = [sys.executable, "workflow/scripts/fetch_models.py", "--configfile", "test.yaml"]
        done = subprocess.run(command, cwd=run.folder, env=_clean(HF_ENDPOINT=endpoint), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert json.loads(run.path("models.lock.json").read_text())["models"]["lab/tiny@main"]["commit"] == COMMIT

    command = [
        *SNAKEMAKE,
        *run.overlay(),
        "--profile",
        "profiles/local",
        "--cores",
        "2",
        "--printshellcmds",
        "--",
        "results/verify/00000.parquet",
    ]
    offline = subprocess.run(command, cwd=run.folder, env=_clean(HF_HUB_OFFLINE="1"), capture_output=True, text=True)
    assert offline.returncode == 0, offline.stderr[-3000:]
    verdicts = pq.read_table(run.path("results/verify/00000.parquet")).to_pylist()
    assert verdicts and all(row["status"] == "ok" or row["reason"] for row in verdicts)
    assert COMMIT in offline.stdout + offline.stderr, "the commit is part of the settings"

    # a lock that holds another commit: the verdicts are planned anew, and nothing before them
    locked = run.path("models.lock.json")
    locked.write_text(locked.read_text().replace(COMMIT, "b" * 40))
    planned = run.planned("results/verify/00000.parquet")
    assert planned == {"verify": 1}
