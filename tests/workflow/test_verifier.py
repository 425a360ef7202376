"""The verifier is trained in the run that verifies with it: samples, SFT, D2PO, verdicts, Table 5, on very little data."""

import base64
import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from checkout import SNAKEMAKE, Checkout

pytestmark = pytest.mark.workflow

ROWS = ("base", "sft", "d2po", "ssim")
CONFIG = f"""
paths: {{results: my results, scratch: my scratch}}
world: {{images: 10}}
library: {{shard_size: 10}}
verify: {{engine: transformers, batch_size: 64, attempts: 1, transformers: {{max_new_tokens: 80}}}}
verifier: {{reply: short}}
samples:
  part_size: 60
  world:
    sft: {{normal: 22, no_edit: 22}}
    d2po: {{normal: 4, no_edit: 4, hallucination: 4}}
    validation: {{normal: 6, no_edit: 6, hallucination: 6}}
    test: {{normal: 6, no_edit: 6, hallucination: 6}}
sft: {{steps: 3, epochs: null, batch_size: 16}}
d2po: {{steps: 2, epochs: null, batch_size: 4}}
table5: {{rows: [{", ".join(ROWS)}], max_new_tokens: 80, claim: {{pictures: 4, strengths: [0, 4]}}}}
"""


def test_run_verifies_with_the_verifier_it_trains(tmp_path: Path) -> None:
    run = Checkout.fresh(tmp_path / "checkout")
    run.path("test.yaml").write_text(CONFIG)
    run.snakemake("all", "verifier")
    verdicts = pq.read_table(run.path("my results/verify/00000.parquet")).to_pylist()
    edits = pq.read_table(run.path("my results/edit/00000.parquet"), columns=["status"]).to_pylist()
    assert len(verdicts) == sum(edit["status"] == "ok" for edit in edits), "each edit has a verdict, or a reason why not"
    assert all(verdict["status"] == "ok" or verdict["reason"] for verdict in verdicts)
    for name in ("table5", "ssim_claim", "filter_curve"):
        for suffix in ("csv", "md", "png"):
            assert run.path(f"my results/tables/{name}.{suffix}").stat().st_size > 100
    with run.path("my results/tables/table5.csv").open() as stream:
        rows = {(row["row"], row["source"]) for row in csv.DictReader(stream)}
    assert {(label, "measured") for label in ("Base", "+ SFT", "+ D2PO", "SSIM")} <= rows
    assert any(source == "reported" for _, source in rows)
    assert run.planned() == {}
    run.command("report", "--", *SNAKEMAKE, *run.overlay(), "--profile", "profiles/local", "--cores", "2")
    report = run.path("my results/report.html").read_text(encoding="utf-8")
    pictures = [
        run.path(f"my results/{name}.png") for name in ("verifier/sft/curves", "verifier/d2po/curves", "tables/table5", "tables/ssim_claim")
    ]
    assert all(base64.b64encode(picture.read_bytes()).decode() in report for picture in pictures)
    assert "Table 5: by part of the reply" in report
    assert "0 failed rows in 0 shards of samples" in run.command("retry", "--stage", "samples", "--configfile", "test.yaml").stdout
    assert "already has today's recipe" in run.command("accept", "--stage", "samples", "--configfile", "test.yaml").stdout
