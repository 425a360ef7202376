"""`make plan` beside what Snakemake plans, and beside what a finished run took."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from checkout import Checkout

pytestmark = pytest.mark.workflow

TRAINED = """
verify: {engine: transformers}
samples: {part_size: 500}
"""


def plan(run: Checkout, *arguments: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(run.command("plan", "--json", "--profile", "profiles/local", *run.overlay(), *arguments).stdout)
    return value


@pytest.mark.parametrize("more", ["verify: {engine: simulated}", TRAINED], ids=["simulated", "trained"])
def test_jobs_are_those_that_snakemake_plans(tmp_path: Path, more: str) -> None:
    run = Checkout.fresh(tmp_path / "checkout")
    run.path("test.yaml").write_text(f"library: {{declared: 34, shard_size: 8}}\n{more}")
    planned = plan(run)
    assert planned["jobs"] == run.planned("all")
    assert (planned["pictures"], planned["shards"]) == (34, 5)
    assert not run.path("results/index").exists(), "neither writes anything"
    stopped = run.snakemake("all", check=False)
    assert stopped.returncode != 0 and "config: library.declared = 34" in stopped.stderr
    assert not run.path("results/index").exists() and "rule ingest" not in stopped.stdout + stopped.stderr


def test_arithmetic_agrees_with_a_finished_run(finished_run: Checkout) -> None:
    """Fed with the run's own rates, the plan of the same library gives the rows, bytes, seconds and jobs that the run had."""
    planned = plan(finished_run)
    assert planned["pictures"] == 8
    for stage in planned["stages"]:
        name = stage["stage"]
        folder = "dataset/data" if name == "assemble" else name
        tables = list(finished_run.folder.glob(f"results/{folder}/*.parquet"))
        if not tables:
            continue
        assert stage["jobs"] == len(tables)
        assert stage["rows"] == pytest.approx(sum(pq.read_metadata(path).num_rows for path in tables), rel=0.1)
        if name != "truth":
            assert stage["bytes"] == pytest.approx(sum(path.stat().st_size for path in tables), rel=0.1)
        seconds = 0.0
        for path in finished_run.folder.glob(f"results/benchmarks/{name}*/*.tsv"):
            with path.open() as stream:
                seconds += float(list(csv.DictReader(stream, delimiter="\t"))[-1]["s"])
        if seconds:
            assert stage["hours"] * 3600 == pytest.approx(seconds, rel=0.1)
            assert stage["source"].startswith("measured")
    assert {stage["stage"] for stage in planned["stages"]} >= {"ingest", "prefilter", "instruct", "edit", "verify", "assemble", "truth"}


def _paper(folder: Path, more: str) -> tuple[dict[str, int], dict[str, int]]:
    """Jobs of config/paper.yaml on a machine without pictures and models, as Snakemake plans them and as ``plan`` reckons them."""
    run = Checkout.fresh(folder / "checkout")
    run.path("more.yaml").write_text(more)
    files = ["config/config.yaml", "config/paper.yaml", "more.yaml"]
    done = run.snakemake("-n", "--quiet", "rules", "--configfile", *files, "--", "all")
    assert "warning: config: edit.editors.0.diffusers.model" in done.stderr, "what a real run would stop at is said"
    counted = dict(re.findall(r"^(\w+) +(\d+)$", done.stdout + done.stderr, flags=re.M))
    planned = json.loads(run.command("plan", "--json", "--configfile", *files).stdout)
    return {rule: int(jobs) for rule, jobs in counted.items() if rule not in ("all", "total")}, planned["jobs"]


def test_paper_is_planned_without_its_pictures(tmp_path: Path) -> None:
    counted, planned = _paper(tmp_path, "library: {declared: 30000}\n")
    assert counted == planned
    assert planned["edit"] == 12 and "truth" not in planned


@pytest.mark.long
def test_whole_paper_is_planned_without_its_pictures(tmp_path: Path) -> None:
    counted, planned = _paper(tmp_path, "{}\n")
    assert counted == planned
    assert planned["edit"] == 2001 and sum(planned.values()) < 25_000
