"""A benchmark of one's own: proposed, reviewed, settled, frozen, and read as any other."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from checkout import Checkout
from unicedit.benchmark.review import RecordQueue, RecordReview
from unicedit.review.journal import opened
from unicedit.review.session import Session

pytestmark = pytest.mark.workflow

RECORDS = "results/proposals/records.parquet"
SUBTASKS = ("Style Transfer", "Color Alteration", "Spatial Reasoning Edits")
CONFIG = """
library: {{kind: world}}
world: {{images: 12}}
benchmark: {benchmark}
propose:
  {{per_subtask: 1, oversample: 2, asked: 3, asks: 2, per_picture: 1, subtasks: [{subtasks}], exclude: [{excluded}]}}
"""
MINE = (
    "{{source: files, path: mine, subtasks: {subtasks}, per_subtask: 1, judges: [{{name: judge, engine: openai, openai: {{model: m}}}}]}}"
)


def configure(run: Checkout, subtasks: tuple[str, ...] = SUBTASKS, benchmark: str = "{source: none}", excluded: str = "") -> None:
    run.path("test.yaml").write_text(CONFIG.format(benchmark=benchmark, subtasks=", ".join(subtasks), excluded=excluded))


def test_a_proposed_benchmark_is_reviewed_frozen_and_read(tmp_path: Path) -> None:
    run = Checkout.fresh(tmp_path / "checkout")
    configure(run)
    run.snakemake("proposals")
    with run.path("results/tables/proposals.csv").open() as stream:
        told = {line["subtask"]: (line["target"], line["proposed"], line["short"]) for line in csv.DictReader(stream)}
    assert told == dict.fromkeys(SUBTASKS, ("1", "2", "0"))
    records = {row["key"]: row for row in pq.read_table(run.path(RECORDS)).to_pylist()}
    assert len({row["picture"] for row in records.values()}) == len(records) == 6
    assert all(bool(row["reasoning_points"]) == (row["task"] == "Reasoning Editing") for row in records.values())

    queue = RecordQueue(run.path("results"), 100, "proposals")
    rejected = next(iter(queue.keys()))
    with opened(run.path("reviews/proposals/decisions"), "anna", RecordReview) as journal:
        session = Session(queue, queue.keys(), journal)
        for number, key in enumerate(session.keys):
            body = {"shown": session.row(number)["shown"], "decision": "reject" if key == rejected else "accept", "texts": {}}
            session.decide(number, json.dumps(body).encode())
    review = ("--configfile", "test.yaml", "--what", "proposals")
    assert "settled: 6 (5 accept, 1 reject)" in run.command("review", *review, "settle").stdout
    frozen = run.command("review", *review, "freeze", "--out", "mine", "--version", "1.0").stdout
    assert "3 records; left out: 1 rejected, 0 not settled, 2 more than the others have" in frozen
    assert "benchmark: {source: files, path: mine, subtasks: 3, per_subtask: 1}" in frozen

    configure(run, benchmark=MINE.format(subtasks=3))
    run.snakemake("results/benchmark/records.parquet")
    read = {row["key"]: row for row in pq.read_table(run.path("results/benchmark/records.parquet")).to_pylist()}
    assert len(read) == 3 and rejected not in read and {row["subtask"] for row in read.values()} == set(SUBTASKS)
    assert all(row[name] == records[key][name] for key, row in read.items() for name in ("en", "cn", "reasoning_points", "image_digest"))

    configure(run, excluded="dataset, verifier")
    planned = run.planned("proposals")
    assert {"card", "training_data", "propose", "proposals"} <= planned.keys(), "what is left out is made first"
