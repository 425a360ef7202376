"""The main job's stages with real vision-language engines: a server on the loopback interface, and a model in the job's own process (issue 5)."""

import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import batch_server
from checkout import SNAKEMAKE, Checkout
from openai_server import MODEL, asked, served

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.workflow

FAULTS = {"busy": 0.2, "broken": 0.1, "reset": 0.1, "cut": 0.1, "prose": 0.15}
SERVER = "openai: {{model: {model}, base_url: '{url}', longest_wait: 0.05, tries: 20, price: {{input: 2.0, output: 8.0}}}}"
CONFIG = """
library: {{shard_size: 6}}
world: {{images: 6}}
ingest: {{size_divisor: 4}}
{own}
"""


def checkout(folder: Path, own: str) -> Checkout:
    run = Checkout.fresh(folder)
    run.path("test.yaml").write_text(CONFIG.format(own=own))
    return run


def test_verdicts_come_from_a_server(tmp_path: Path) -> None:
    with served(tmp_path / "log", FAULTS) as url:
        run = checkout(tmp_path / "checkout", f"verify: {{engine: openai, attempts: 8, {SERVER.format(model=MODEL, url=url)}}}")
        run.snakemake("dataset")
        verdicts = pq.read_table(run.path("results/verify/00000.parquet")).to_pylist()
        before = len(asked(tmp_path / "log"))
        run.replace("test.yaml", "tries: 20", "tries: 21")
        run.snakemake("dataset")
        assert run.rows().get("verify", 0) == 0, "how requests get there decides no row"
        for path in run.folder.glob("results/.kept/verify/*"):
            path.unlink()
        run.path("results/verify/00000.parquet").unlink()
        run.path("results/verify/00000.json").unlink()
        run.snakemake("results/verify/00000.parquet")
        assert run.rows()["verify"] == len(verdicts)
    edits = [row for row in pq.read_table(run.path("results/edit/00000.parquet"), columns=["status"]).to_pylist() if row["status"] == "ok"]
    assert len(verdicts) == len(edits) and {row["verifier"] for row in verdicts} == {MODEL}
    assert {row["status"] for row in verdicts} == {"ok", "rejected"}
    assert len(asked(tmp_path / "log")) - before < before / 3, "most replies were in the cache"
    assert run.dataset()


def test_instructions_come_from_a_server_and_the_summary_tells_what_was_asked(tmp_path: Path) -> None:
    with served(tmp_path / "log", FAULTS) as url:
        run = checkout(tmp_path / "checkout", f"instruct: {{engine: openai, attempts: 8, {SERVER.format(model=MODEL, url=url)}}}")
        target = "results/instruct/00000.parquet"
        done = run.command("run", "--", *SNAKEMAKE, *run.overlay(), "--profile", "profiles/local", "--cores", "2", target)
    rows = pq.read_table(run.path(target)).to_pylist()
    assert {row["status"] for row in rows} == {"ok", "rejected"} and {row["writer"] for row in rows} == {MODEL}
    assert len({row["image"] for row in rows}) == 6
    assert f"instruct: {len(asked(tmp_path / 'log')):,} requests" in " ".join(done.stdout.split())


@pytest.mark.parametrize("provider", ["openai", "gemini"])
def test_instructions_come_from_a_batch(tmp_path: Path, provider: str) -> None:
    state = tmp_path / "state"
    with batch_server.batches_served(state, provider, {"expired": 0.2, "prose": 0.3}, seconds=1.0) as url:
        own = f"provider: {provider}, model: {MODEL}, base_url: '{url}', poll_seconds: 0.2, tries: 9, price: {{input: 1.0, output: 4.0}}"
        run = checkout(tmp_path / "checkout", f"instruct: {{engine: batch, attempts: 9, batch: {{{own}}}}}")
        target = "results/instruct/00000.parquet"
        done = run.command("run", "--", *SNAKEMAKE, *run.overlay(), "--profile", "profiles/local", "--cores", "2", target)
    rows = pq.read_table(run.path(target)).to_pylist()
    assert {row["status"] for row in rows} == {"ok", "rejected"} and {row["writer"] for row in rows} == {MODEL}
    assert len({row["image"] for row in rows}) == 6
    lines = batch_server.told(state, "request")
    assert [line["batch"] for line in lines].count(f"{provider}-1") == 6, "the whole shard is one batch"
    assert f"instruct: {len(lines):,} requests" in " ".join(done.stdout.split())


def test_parts_of_a_shard_that_would_wait_one_after_the_other_are_refused(tmp_path: Path) -> None:
    run = checkout(tmp_path / "checkout", "instruct: {engine: batch, batch: {model: m, rows: 5}}")
    failed = run.snakemake("dataset", "-n", check=False)
    assert "config: instruct.batch.rows = 5: a shard has 6 pictures (library.shard_size)" in failed.stdout + failed.stderr


def test_instructions_come_from_a_model_in_the_job(tmp_path: Path) -> None:
    own = "instruct: {engine: transformers, attempts: 2, transformers: {model: models/tiny-base, max_new_tokens: 30}}"
    run = checkout(tmp_path / "checkout", own)
    run.snakemake("results/instruct/00000.parquet")
    rows = pq.read_table(run.path("results/instruct/00000.parquet")).to_pylist()
    assert len(rows) == 6 and {row["status"] for row in rows} == {"failed"}, "so small a model cannot do it, and nothing is made up for it"
    assert all(row["reason"].endswith("(2 attempts)") and row["raw"] is not None for row in rows)
    (shown,) = re.findall(r"\.venv/bin/python -c \"(import glob.*)\"", (REPOSITORY / "docs/engines.md").read_text(encoding="utf-8"))
    said = subprocess.run([sys.executable, "-c", shown], cwd=run.folder, capture_output=True, text=True, check=True).stdout
    assert said.count("(2 attempts)") == 6, "the command of docs/engines.md"
