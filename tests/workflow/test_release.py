"""A finished run released and audited, through the commands that make runs."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from checkout import REPOSITORY, Checkout
from made_pictures import read_back
from unicedit.release.mark import SCHEME

pytestmark = pytest.mark.workflow


def test_a_run_is_released(run: Checkout) -> None:
    import datasets

    done = run.command("release", "--configfile", "test.yaml", "--mark", "--webdataset", "--repository", "me/edits", "--date", "2026-01-31")
    assert "hf upload --repo-type dataset me/edits release ." in done.stdout
    rows = [key for file in sorted(run.folder.glob("results/dataset/data/*.parquet")) for key in pq.read_table(file)["key"].to_pylist()]
    loaded = datasets.load_dataset(str(run.path("release")), split="train", cache_dir=str(run.path("cache")))
    assert loaded["key"] == rows and rows
    assert [path.name for path in run.folder.glob("release/webdataset/*")] == ["train-00000-of-00001.tar"]
    card = run.path("release/README.md").read_text()
    assert "**Simulated.**" in card and "`composite` for simulated-" in card
    assert "| edit | 2 |" in card, "the time that the benchmark records tell"
    crate = json.loads(run.path("release/ro-crate-metadata.json").read_text())["@graph"]
    (verify,) = [one for one in crate if one["@id"] == "#verify"]
    assert f"{len(rows)} ok" in verify["description"]
    again = run.command("release", "--configfile", "test.yaml", check=False)
    assert again.returncode == 1 and "release: not empty" in again.stderr


@pytest.mark.long
def test_readers_of_a_fresh_environment_get_the_release(run: Checkout, tmp_path: Path) -> None:
    """As a stranger has it: the newest releases of the three readers, and nothing of ours."""
    run.command("release", "--configfile", "test.yaml", "--mark", "--webdataset")
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "datasets", "mlcroissant", "webdataset", "pillow"]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode != 0 and re.search(r"connection|No matching distribution|Temporary failure", done.stderr):
        pytest.skip(f"the readers cannot be fetched here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | {"HF_HUB_OFFLINE": "1"}
    reader = [str(python), "-I", str(REPOSITORY / "tests/read_release.py"), str(run.path("release")), str(tmp_path / "cache")]
    read = subprocess.run(reader, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert read.returncode == 0, read.stderr[-3000:]
    found = json.loads(read.stdout.splitlines()[-1])
    keys = [key for file in sorted(run.folder.glob("results/dataset/data/*.parquet")) for key in pq.read_table(file)["key"].to_pylist()]
    assert keys
    for way in ("datasets", "streamed", "croissant", "webdataset"):
        assert found[way] == keys, way
    assert set(found["sizes"]) == {1} and found["faults"] == [] and found["project"] is False
    for file in run.folder.glob("release/data/*.parquet"):
        for picture in pq.read_table(file)["edit_image"].to_pylist():
            assert read_back(picture["bytes"]) == SCHEME + "composite"


def test_a_release_needs_the_runs_own_configuration(run: Checkout) -> None:
    run.path("other.yaml").write_text("prefilter: {min_quality: 9}\n")
    done = run.command("release", "--configfile", "test.yaml", "other.yaml", check=False)
    assert done.returncode == 1
    assert "made with another configuration" in done.stderr
    assert not run.path("release").exists()


def test_a_run_is_audited(run: Checkout) -> None:
    shown = run.command("audit", "results/dataset", "--workers", "1").stdout
    assert "passed       schema" in shown and "passed       duplicate keys" in shown
    assert "found        missing sub-tasks" in shown, "and leaves with 0"
    findings = {one["check"]: one for one in json.loads(run.path("audit/audit.json").read_text())["findings"]}
    for check in ("label set", "task of sub-task", "sentence as label", "unreadable pictures", "shape of the edit", "exact duplicates"):
        assert findings[check]["verdict"] == "passed", findings[check]
