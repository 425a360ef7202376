"""The benchmark's records under review: what is shown, corrected, frozen, and read again."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

from checkout import REPOSITORY
from unicedit.benchmark.frozen import freeze
from unicedit.benchmark.record import BenchmarkError, tasks_of
from unicedit.benchmark.records import write_records
from unicedit.benchmark.review import RecordQueue, RecordReview, in_order, shown_digest
from unicedit.config.benchmark import BenchmarkSettings
from unicedit.errors import PipelineError
from unicedit.review.decision import Decision, ReviewError
from unicedit.review.journal import opened
from unicedit.review.session import Session

TASKS = tasks_of(REPOSITORY / "config/paper/taxonomy.csv")
REASONING = "Reasoning Editing"
PER_SUBTASK = 3


def settings(path: Path, per_subtask: int, **values: Any) -> BenchmarkSettings:
    judges = [{"name": "judge", "engine": "openai", "openai": {"model": "m"}}]
    return BenchmarkSettings(source="files", path=str(path), per_subtask=per_subtask, judges=judges, **values)


def read(path: Path, table: Path, per_subtask: int, **values: Any) -> list[dict[str, Any]]:
    """The records of a folder as the ``records`` stage stores them in ``table``."""
    write_records(settings(path, per_subtask, **values), TASKS, table.parent / "cache", table)
    rows: list[dict[str, Any]] = pq.read_table(table).to_pylist()
    return rows


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A run's records: three of each sub-task, the first two of one picture."""
    clone = tmp_path / "clone"
    (clone / "images").mkdir(parents=True)
    lines = []
    for place, (subtask, task) in enumerate(TASKS.items()):
        for number in range(PER_SUBTASK):
            picture = f"images/{place}-{max(number, 1)}.png"
            Image.new("RGB", (12, 8), (place * 9, max(number, 1) * 50, 0)).save(clone / picture)
            record: dict[str, Any] = {"key": f"r{place:02d}-{number}", "task": task, "subtask": subtask, "cn": f"加{place}只猫。"}
            record |= {"en": f"Add {place} cats.", "image_path": picture, "resolution": [12, 8]}
            lines.append(json.dumps(record | ({"reasoning_points": ["It is there.", "It is large."]} if task == REASONING else {})))
    (clone / "test_data.jsonl").write_text("\n".join(lines) + "\n")
    read(clone, tmp_path / "results" / "benchmark" / "records.parquet", PER_SUBTASK)
    return tmp_path / "results"


def decide(results: Path, decisions: dict[str, tuple[str, dict[str, str]]], reviewer: str = "anna") -> None:
    """Decide records by key as the page does."""
    queue = RecordQueue(results, 1000)
    with opened(results.parent / "reviews/benchmark/decisions", reviewer, RecordReview) as journal:
        session = Session(queue, queue.keys(), journal)
        for key, (decision, texts) in decisions.items():
            number = session.keys.index(key)
            session.decide(number, json.dumps({"shown": session.row(number)["shown"], "decision": decision, "texts": texts}).encode())


def review(results: Path, *arguments: str, fails: bool = False) -> str:
    (results.parent / "config").mkdir(exist_ok=True)
    (results.parent / "config" / "config.yaml").write_text("{}\n")
    words = [sys.executable, REPOSITORY / "workflow/scripts/review.py", "--results", "results", "--what", "benchmark", *arguments]
    done = subprocess.run(words, cwd=results.parent, capture_output=True, text=True, check=False)
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stderr if fails else done.stdout


def test_a_record_is_shown_with_its_picture_and_points(results: Path, tmp_path: Path) -> None:
    queue = RecordQueue(results, 5)
    assert len(queue.keys()) == 5 and len({queue.records[key]["subtask"] for key in queue.keys()}) > 1, "drawn by key"  # noqa: SIM118
    points = next(key for key, row in queue.records.items() if row["task"] == REASONING)
    plain = next(key for key, row in queue.records.items() if row["task"] != REASONING)
    with opened(tmp_path / "decisions", "anna", RecordReview) as journal:
        session = Session(queue, [points, plain], journal)
        row = session.row(0)
        assert {text["name"]: text["value"] for text in row["texts"]}["reasoning_points"] == "It is there.\nIt is large."
        assert "after" not in row and session.picture(0, "before")[1] == "image/png"
        with pytest.raises(KeyError):
            session.picture(0, "after")
        assert session.row(1)["texts"][2]["value"] is None
        with pytest.raises(ReviewError, match="reasoning_points is no text of this row"):
            body = {"shown": session.row(1)["shown"], "decision": "correct", "texts": {"reasoning_points": "It is there."}}
            session.decide(1, json.dumps(body).encode())
    with pytest.raises(PipelineError, match=r"records\.parquet: no records yet; run `snakemake "):
        RecordQueue(tmp_path / "nothing", 5)


def test_what_is_shown_is_known_by_its_digest(results: Path) -> None:
    record = next(iter(RecordQueue(results, 1).records.values()))
    assert shown_digest(record) == shown_digest({**record, "source": "elsewhere"})
    for name in ("en", "cn", "reasoning_points", "image_digest", "subtask"):
        assert shown_digest({**record, name: "other"}) != shown_digest(record), name


def test_a_reviewed_benchmark_is_frozen_and_read_as_files(results: Path, tmp_path: Path) -> None:
    queue = RecordQueue(results, 1000)
    accepted: dict[str, tuple[str, dict[str, str]]] = {key: ("accept", {}) for key in queue.records if not key.endswith("-2")}
    reasoning = next(key for key in in_order(accepted) if queue.records[key]["task"] == REASONING)
    texts = {"cn": "加一只大猫。", "en": "Add a large cat.", "reasoning_points": "A large cat.\nIt casts a shadow."}
    decide(results, {**accepted, reasoning: ("correct", texts), "r03-1": ("reject", {})})
    assert "settled: 44 (42 accept, 1 correct, 1 reject)" in review(results, "settle")
    told = review(results, "freeze", "--version", "1.0", "--out", "mine")
    assert "22 records; left out: 1 rejected, 22 not settled, 21 more than the others have" in told
    assert "benchmark: {source: files, path: mine, subtasks: 22, per_subtask: 1}" in told
    rows = {row["key"]: row for row in read(tmp_path / "mine", tmp_path / "again.parquet", 1)}
    assert len(rows) == 22 and "r03-1" not in rows and "r03-0" in rows
    seal = json.loads((tmp_path / "mine/benchmark.json").read_text())
    assert (seal["version"], seal["records"], seal["reviewers"]) == ("1.0", 22, ["anna"]) and seal["digest"] in told
    assert review(results, "freeze", "--version", "1.0", "--out", "mine", fails=True).startswith("error: mine: is there already")
    for why, arguments in (
        ("has 1 records that can stay, and 3 are asked for", ["--version", "2", "--per-subtask", "3"]),
        ("version '': give", ["--version", ""]),
        ("per-subtask is 0", ["--version", "2", "--per-subtask", "0"]),
    ):
        assert why in review(results, "freeze", "--out", "other", *arguments, fails=True)
    assert not (tmp_path / "other").exists()

    both = freeze(queue, settled_of(results), tmp_path / "two", "2.0", unreviewed=True, per_subtask=2)
    assert (both.records, both.subtasks, both.per_subtask) == (44, 22, 2)
    found = {row["key"]: row for row in read(tmp_path / "two", tmp_path / "two.parquet", 2)}
    assert (found[reasoning]["cn"], found[reasoning]["reasoning_points"]) == ("加一只大猫。", ["A large cat.", "It casts a shadow."])
    same = [key for key in found if key != reasoning]
    assert all({**found[key], "source": ""} == {**rows_before(results)[key], "source": ""} for key in same), "all else is as it was"


def settled_of(results: Path) -> dict[str, Decision]:
    from unicedit.review.decision import read_reviews

    return {one.key: one for one in read_reviews(results.parent / "reviews/benchmark/settled.jsonl", RecordReview)}


def rows_before(results: Path) -> dict[str, dict[str, Any]]:
    return {row["key"]: row for row in pq.read_table(results / "benchmark/records.parquet").to_pylist()}


@pytest.mark.parametrize("harm", ["text", "picture", "more", "gone", "seal"])
def test_a_frozen_benchmark_that_changed_is_refused(results: Path, tmp_path: Path, harm: str) -> None:
    queue = RecordQueue(results, 1000)
    freeze(queue, {}, tmp_path / "mine", "1", unreviewed=True, per_subtask=None)
    read(tmp_path / "mine", tmp_path / "right.parquet", PER_SUBTASK)
    jsonl, first = tmp_path / "mine/test_data.jsonl", sorted((tmp_path / "mine/images").iterdir())[0]
    if harm == "text":
        jsonl.write_text(jsonl.read_text().replace("Add 3 cats", "Add 4 cats"))
    elif harm == "picture":
        Image.new("RGB", (12, 8), "white").save(first)
    elif harm == "more":
        shutil.copy(first, first.with_name("more.png"))
    elif harm == "gone":
        first.unlink()
    else:
        (tmp_path / "mine/benchmark.json").write_text("[]")
    with pytest.raises(BenchmarkError, match="mine: has changed since it was frozen; fetch it again, or freeze"):
        read(tmp_path / "mine", tmp_path / "wrong.parquet", PER_SUBTASK)
    assert not (tmp_path / "wrong.parquet").exists()


def test_the_same_decisions_freeze_to_the_same_digest(results: Path, tmp_path: Path) -> None:
    queue = RecordQueue(results, 1000)
    one, other = (freeze(queue, {}, tmp_path / name, "1", unreviewed=True, per_subtask=1) for name in ("one", "other"))
    assert one.digest == other.digest
    assert one.digest != freeze(queue, {}, tmp_path / "more", "1", unreviewed=True, per_subtask=2).digest
    with pytest.raises(BenchmarkError, match="no record is settled as accepted or corrected"):
        freeze(queue, {}, tmp_path / "none", "1", unreviewed=False, per_subtask=None)
