"""The verifier is trained in the run that verifies with it: samples, SFT, D2PO, verdicts, Table 5, on very little data."""

import base64
import csv
import json
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from checkout import SNAKEMAKE, Checkout
from unicedit.review.journal import opened
from unicedit.training.queue import Choice, SampleQueue
from unicedit.training.review import Review
from unicedit.training.schema import D2PO, KINDS

pytestmark = pytest.mark.workflow

ROWS = ("base", "sft", "d2po", "ssim")
CONFIG = f"""
paths: {{results: my results, scratch: my scratch}}
world: {{images: 10}}
library: {{shard_size: 10}}
benchmark: {{source: none}}
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


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    run = Checkout.fresh(tmp_path_factory.mktemp("trained") / "checkout")
    run.path("test.yaml").write_text(CONFIG)
    run.snakemake("all", "verifier")
    return run


def test_run_verifies_with_the_verifier_it_trains(trained: Checkout) -> None:
    run = trained
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
    for stage, rows in (("sft", 3 * 16), ("d2po", 2 * 4)):  # what the monitor showed of the trainings
        (record,) = [json.loads(path.read_text()) for path in run.path(f"my scratch/progress/{stage}").glob("*.json")]
        assert record["finished"] and [record[name] for name in ("total", "done", "computed", "resumed")] == [rows, rows, rows, 0]
    run.command("report", "--", *SNAKEMAKE, *run.overlay(), "--profile", "profiles/local", "--cores", "2")
    report = run.path("my results/report.html").read_text(encoding="utf-8")
    pictures = [
        run.path(f"my results/{name}.png") for name in ("verifier/sft/curves", "verifier/d2po/curves", "tables/table5", "tables/ssim_claim")
    ]
    assert all(base64.b64encode(picture.read_bytes()).decode() in report for picture in pictures)
    assert "Table 5: by part of the reply" in report
    assert "0 failed rows in 0 shards of samples" in run.command("retry", "--stage", "samples", "--configfile", "test.yaml").stdout
    assert "already has today's recipe" in run.command("accept", "--stage", "samples", "--configfile", "test.yaml").stdout


def test_what_people_reviewed_is_trained_on_and_nothing_else_is_made_again(trained: Checkout, tmp_path: Path) -> None:
    run = trained.copy(tmp_path / "checkout")
    queue = SampleQueue(run.path("my results"), Choice((D2PO,), KINDS, 2))
    rejected, accepted = queue.keys()
    with opened(run.path("reviews/samples/decisions"), "anna", Review) as journal:
        journal.add(rejected, queue.item(rejected).shown, "reject", reason="crooked")
        journal.add(accepted, queue.item(accepted).shown, "accept")
    told = run.command("review", "--configfile", "test.yaml", "--agree", "1", "settle").stdout
    assert "settled: 2 (1 accept, 1 reject)" in told and "samples: {review: reviews/samples/settled.jsonl}" in told
    run.replace("test.yaml", "  part_size: 60", "  part_size: 60\n  review: reviews/samples/settled.jsonl")
    planned = run.planned("all", "verifier")
    assert {"training_data", "d2po", "verify", "table5"} <= planned.keys()
    assert {"samples", "ingest", "prefilter", "instruct", "edit", "records", "judge"}.isdisjoint(planned), (
        "nothing before the training data"
    )
    weights = {stage: run.path(f"my results/verifier/{stage}/model/model.safetensors") for stage in ("sft", "d2po")}
    before, began = weights["d2po"].read_bytes(), time.time()
    run.snakemake(*(f"my results/verifier/{stage}/model" for stage in weights))
    assert weights["sft"].stat().st_mtime < began < weights["d2po"].stat().st_mtime, (
        "SFT's data is as it was: its model is taken, not trained"
    )
    assert weights["d2po"].read_bytes() != before
    rows = {row["key"]: row for row in pq.read_table(run.path("my results/verifier/data/d2po.parquet")).to_pylist()}
    assert rejected not in rows and rows[accepted]["reviewer"] == "anna" and len(rows) == 11
    with run.path("my results/verifier/data/dropped.csv").open() as stream:
        assert [(row["key"], row["reason"]) for row in csv.DictReader(stream)] == [(rejected, "reviewer: anna: crooked")]
