"""The training data: every sample accounted for, reviews applied, and the commands by hand."""

import csv
import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from job_server import JOBS
from made_samples import sample, samples, write_parts
from small_tables import rows_of
from unicedit.errors import PipelineError
from unicedit.files import read_json, sha256_of_file
from unicedit.review.decision import ReviewError, append_reviews
from unicedit.sidecar import sealed
from unicedit.training.parts import review_of
from unicedit.training.review import Review, shown_digest
from unicedit.training.schema import FILES, SAMPLES
from unicedit.training.training_data import Count, file_of, join, seal_files
from unicedit.verify_results import check

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"


def said(row: dict[str, Any], decision: str, reviewer: str = "person-1", **more: Any) -> Review:
    values = {"key": row["key"], "shown": shown_digest(row), "decision": decision, "reviewer": reviewer, "time": "2026-05-06T07:08:09Z"}
    return Review(**{**values, **more})


def joined(results: Path, rows: list[dict[str, Any]], reviews: list[Review] = []) -> tuple[Count, dict[str, list[dict[str, Any]]]]:  # noqa: B006
    """What became of every sample, and the rows of each file."""
    parts = write_parts(results, rows, parts=3)
    review = None
    if reviews:
        review = results / "review.jsonl"
        append_reviews(review, reviews)
    folder = results / "verifier" / "data"
    count = join(parts, review, folder)
    return count, {name: rows_of(folder / f"{name}.parquet") for name in FILES}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_sample_lands_in_its_file_or_among_the_dropped(tmp_path: Path) -> None:
    rows = samples(200)
    count, files = joined(tmp_path, rows)
    for name, found in files.items():
        assert found == [{**row, "reviewer": None, "reviewed_at": None} for row in rows if file_of(row) == name and row["status"] == "ok"]
    assert sum(len(found) for found in files.values()) == 198
    assert count.status() == {"ok": 198, "rejected": 1, "failed": 1}
    assert count.reasons() == {"reply": 1, "no_verdict": 1}
    dropped = table(tmp_path / "verifier" / "data" / "dropped.csv")
    assert [(one["key"], one["reason"]) for one in dropped] == [
        ("sample-0005", "reply: none (3 attempts)"), ("sample-0006", "no_verdict: the teacher has no row"),
    ]  # fmt: skip
    census = table(tmp_path / "verifier" / "data" / "census.csv")
    assert sum(int(one["n"]) for one in census) == 200
    assert {one["review"] for one in census} == {"unseen"}
    cell = [one for one in census if (one["file"], one["kind"], one["subtask"]) == ("d2po", "normal", "Color Alteration")]
    assert sum(int(one["n"]) for one in cell) == sum(
        file_of(row) == "d2po" and row["kind"] == "normal" and row["subtask"] == "Color Alteration" for row in rows
    )


def test_files_have_the_same_bytes_every_time_and_the_schema(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    for name in ("one", "two"):
        joined(tmp_path / name, samples(80))
    for name in FILES:
        one, two = (tmp_path / folder / "verifier" / "data" / f"{name}.parquet" for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
        assert pq.read_schema(one).equals(SAMPLES)


def test_reviews_take_out_correct_and_mark(tmp_path: Path) -> None:
    rows = samples(64)
    ok = [row for row in rows if row["status"] == "ok"]
    accepted, rejected, changed, contested, stale, lost = ok[0], ok[1], ok[4], ok[8], ok[12], sample(999)
    reviews = [
        said(accepted, "accept"),
        said(rejected, "reject", reason="crooked, badly"),
        said(changed, "correct", texts={"true_en": "Paint it."}),
        said(contested, "accept"),
        said(contested, "reject", "person-2"),
        said({**stale, "given_en": "As it was."}, "reject"),
        said(lost, "reject"),
        said(rows[5], "reject"),
    ]
    count, files = joined(tmp_path, rows, reviews)
    found = {row["key"]: row for file in files.values() for row in file}
    assert set(found) == {row["key"] for row in ok} - {rejected["key"], contested["key"]}
    assert (found[accepted["key"]]["reviewer"], found[accepted["key"]]["reviewed_at"]) == ("person-1", "2026-05-06T07:08:09Z")
    assert found[accepted["key"]] == {**accepted, "reviewer": "person-1", "reviewed_at": "2026-05-06T07:08:09Z"}
    assert found[changed["key"]]["true_en"] == "Paint it."
    assert found[stale["key"]]["reviewer"] is None
    assert (count.applied, count.stale, count.absent) == (5, 1, 1)
    assert sum(count.status().values()) == 64
    dropped = {one["key"]: one for one in table(tmp_path / "verifier" / "data" / "dropped.csv")}
    assert dropped[rejected["key"]]["reason"] == "reviewer: person-1: crooked, badly"
    assert dropped[contested["key"]]["reason"] == "reviewer: person-2: no reason given"
    assert dropped[rows[5]["key"]]["status"] == "failed"
    seen = Counter(one["review"] for one in table(tmp_path / "verifier" / "data" / "census.csv") for _ in range(int(one["n"])))
    assert seen == {"unseen": 58, "accepted": 1, "rejected": 3, "corrected": 1, "stale": 1}


def test_a_correction_that_does_not_fit_stops_the_join(tmp_path: Path) -> None:
    rows = [sample(0), sample(1, "no_edit")]
    with pytest.raises(ReviewError, match="sample-0001: person-1 corrected true_en, which a no_edit sample has not"):
        joined(tmp_path, rows, [said(rows[1], "correct", texts={"true_en": "Paint it."})])
    assert not list((tmp_path / "verifier" / "data").glob("*.parquet")), "no half files"


def test_a_sample_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sample sample-0001 is there more than once"):
        joined(tmp_path, [sample(1), sample(2), sample(1)])


def test_each_file_is_sealed_and_damage_is_found(tmp_path: Path) -> None:
    count, files = joined(tmp_path, samples(64))
    parts = sorted((tmp_path / "samples").glob("*.parquet"))
    own = tmp_path / "verifier" / "sidecars" / "training_data.json"
    seal_files(tmp_path / "verifier", parts, own, count, "code", "{}")
    assert {path.stem for path in sealed(tmp_path) if path.parent == own.parent} == {*FILES, "training_data"}
    assert (read_json(own)["rows"], read_json(own)["status"]["ok"]) == (64, 62)
    listed = table(tmp_path / "verifier" / "data" / "files.csv")
    assert {one["file"]: int(one["rows"]) for one in listed} == {f"{name}.parquet": len(found) for name, found in files.items()}
    assert listed[0]["sha256"] == sha256_of_file(tmp_path / "verifier" / "data" / "sft.parquet")
    assert not [fault for _, fault in check(tmp_path) if fault]
    spoilt = tmp_path / "verifier" / "data" / "test.parquet"
    spoilt.write_bytes(spoilt.read_bytes()[:-4] + b"PAR2")
    assert [fault.path.name for _, fault in check(tmp_path) if fault] == ["test.parquet"]


def test_review_setting_names_file_and_content(tmp_path: Path) -> None:
    from unicedit.config.samples import SamplesSettings

    assert review_of(SamplesSettings()) is None
    path = tmp_path / "review.jsonl"
    with pytest.raises(PipelineError, match=r"samples\.review = '.*review\.jsonl': no such file"):
        review_of(SamplesSettings(review=str(path)))
    append_reviews(path, [said(sample(1), "accept")])
    first = review_of(SamplesSettings(review=str(path)))
    append_reviews(path, [said(sample(2), "accept")])
    assert first != review_of(SamplesSettings(review=str(path)))


def test_commands_by_hand(tmp_path: Path) -> None:
    """samples, training_data and review_samples as a user runs them, from nothing to reviewed data."""

    def run(script: str, *arguments: str, fails: bool = False) -> str:
        done = subprocess.run(
            [JOBS.python, SCRIPTS / f"{script}.py", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stderr if fails else done.stdout

    counts = {"normal": 2, "no_edit": 2, "hallucination": 2}
    chosen = {"part_size": 20, "world": {"sft": counts, "d2po": counts, "validation": {}, "test": {}, "per_picture": 6}}
    for part in range(2):
        name = f"results/samples/{part:05d}"
        run("samples", "--shard", f"{part:05d}", "--table", f"{name}.parquet", "--seal", f"{name}.json", "--run", "--inputs",
            "--settings", json.dumps({"samples": chosen, "size_divisor": 4}))  # fmt: skip

    def join_all(review: dict[str, str] | None) -> None:
        settings = json.dumps({"samples": chosen, "review": review})
        run("training_data", "--results", "results", "--seal", "results/verifier/sidecars/training_data.json", "--settings", settings)

    join_all(None)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yaml").write_text("{}\n")
    run("review_samples", "--review", "review.jsonl", "--results", "results", "export", "--out", "audit", "--file", "d2po")
    tasks = json.loads((tmp_path / "audit" / "tasks.json").read_text())
    assert sorted(one["data"]["about"].split(",")[0] for one in tasks) == sorted([*counts, *counts])
    verdict = {"type": "choices", "from_name": "decision", "to_name": "source", "value": {"choices": ["reject"]}}
    done = {"completed_by": 3, "result": [verdict], "updated_at": "2026-07-08T09:10:11Z"}
    (tmp_path / "export.json").write_text(json.dumps([{"id": 1, **tasks[0], "annotations": [done]}]))
    imported = run("review_samples", "--review", "review.jsonl", "--results", "results", "import", "export.json")
    assert imported == "1 reviews read, 1 of them new in review.jsonl\n"
    assert "no JSON export" in run("review_samples", "--review", "r", "--results", "results", "import", "review.jsonl", fails=True)
    join_all({"path": "review.jsonl", "sha256": "any"})
    rows = {name: rows_of(tmp_path / "results" / "verifier" / "data" / f"{name}.parquet") for name in FILES}
    assert {name: len(found) for name, found in rows.items()} == {"sft": 6, "d2po": 5, "validation": 0, "test": 0}
    assert tasks[0]["data"]["key"] not in {row["key"] for row in rows["d2po"]}
    assert read_json(tmp_path / "results" / "verifier" / "sidecars" / "training_data.json")["reasons"] == {"reviewer": 1}
