"""Review of training samples: the review file, who prevails, and Label Studio there and back."""

import base64
import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from made_samples import gathered, png, sample, samples
from unicedit.errors import PipelineError
from unicedit.review.decision import ReviewError, append_reviews, decided, read_reviews
from unicedit.training.audit import export, take_in
from unicedit.training.label_studio import INTERFACE, reviews_of, task
from unicedit.training.queue import Choice
from unicedit.training.review import LINES, TEXTS, Review, corrected, shown_digest
from unicedit.training.schema import D2PO, FILES, HALLUCINATION, KINDS, NO_EDIT, NORMAL, REVIEWED, SFT

SHOWN = "0" * 32
ALL = Choice(FILES, KINDS, 1000)


def review(key: str = "a", decision: str = "accept", reviewer: str = "person-1", time: str = "2026-01-02T03:04:05Z", **more: Any) -> Review:
    texts = {"true_en": "Make it red."} if decision == "correct" else {}
    return Review(**{"key": key, "shown": SHOWN, "decision": decision, "reviewer": reviewer, "time": time, "texts": texts, **more})


# the review file


def test_reviews_are_appended_once_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "review.jsonl"
    first = [review(), review("b", "correct", texts={"true_cn": "把它\n变红。", "differences": ["One.", "Two."]})]
    assert append_reviews(path, first) == 2
    before = path.read_bytes()
    assert append_reviews(path, [*first, review("c", "reject", reason="crooked"), review("c", "reject", reason="crooked")]) == 1
    assert path.read_bytes().startswith(before), "the file only grows"
    assert [one.key for one in read_reviews(path, Review)] == ["a", "b", "c"]
    assert read_reviews(path, Review)[1].texts == {"true_cn": "把它 变红。", "differences": ["One.", "Two."]}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"{", "line 2: Invalid JSON"),
        (b'{"key": "a"}', "line 2: shown: Field required"),
        (json.dumps({**review().model_dump(), "decision": "perhaps"}).encode(), "line 2: decision: Input should be"),
        (json.dumps({**review().model_dump(), "time": "yesterday"}).encode(), "line 2: time: String should match"),
        (json.dumps({**review().model_dump(), "reviewer": "Ada <ada@example.org>"}).encode(), "line 2: reviewer: String should match"),
        (json.dumps({**review().model_dump(), "colour": "red"}).encode(), "line 2: colour: Extra inputs"),
        (json.dumps({**review().model_dump(), "decision": "correct"}).encode(), "line 2: a correction brings corrected texts"),
        (json.dumps({**review().model_dump(), "texts": {"true_en": "Red."}}).encode(), "line 2: accept brings no texts"),
    ],
)
def test_a_faulty_line_is_named(tmp_path: Path, line: bytes, fault: str) -> None:
    path = tmp_path / "review.jsonl"
    append_reviews(path, [review()])
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(ReviewError) as caught:
        read_reviews(path, Review)
    assert str(caught.value).startswith(f"{path}, {fault}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("texts", "fault"),
    [
        ({"kind": "normal"}, "kind is no text that can be corrected"),
        ({"differences": "One."}, "differences must be a list of lines"),
        ({"true_en": ["One."]}, "true_en must be one text"),
        ({"true_en": "把它变红。"}, "true_en holds no English text"),
        ({"true_cn": "Make it red."}, "true_cn holds no Chinese text"),
        ({"true_en": "  "}, "0 characters"),
    ],
)
def test_corrections_that_cannot_be_are_refused(texts: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        review(decision="correct", texts=texts)


def test_a_line_that_was_cut_off_is_an_error_and_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "review.jsonl"
    append_reviews(path, [review(), review("b")])
    path.write_bytes(path.read_bytes()[:-9])
    for attempt in (lambda: read_reviews(path, Review), lambda: append_reviews(path, [review("c")])):
        with pytest.raises(ReviewError, match=r"review\.jsonl, line 2: cut off while it was written; delete that line and import again"):
            attempt()
    with pytest.raises(ReviewError, match=r"absent\.jsonl: no such review file"):
        read_reviews(tmp_path / "absent.jsonl", Review)


def test_latest_counts_of_one_reviewer_and_rejection_between_reviewers() -> None:
    old, new = "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z"
    assert decided([review(decision="reject", time=old), review(decision="accept", time=new)])["a"].decision == "accept"
    assert decided([review(decision="accept", time=new), review(decision="reject", time=old)])["a"].decision == "accept", (
        "by time, not by line"
    )
    both = [review(decision="reject", time=old), review(decision="correct", reviewer="person-2", time=new)]
    assert decided(both)["a"].decision == "reject"
    corrections = [review(decision="correct", time=new), review(decision="correct", reviewer="person-2", time=old)]
    assert decided(corrections)["a"].reviewer == "person-1", "the latest correction"
    mixed = [review(decision="correct", time=old), review(reviewer="person-2", time=new)]
    assert decided(mixed)["a"].decision == "correct", "a correction is not undone by another's acceptance"
    assert set(decided([review("a"), review("b")])) == {"a", "b"}


def test_a_correction_changes_the_texts_and_says_who_saw_them() -> None:
    told = {**sample(1), "other_wordings": [{"en": "Make it blue.", "cn": "变成蓝色。"}]}
    assert corrected(told, review(decision="correct", texts={"given_en": "Redden it."}))["other_wordings"] == told["other_wordings"]
    row = corrected(told, review(decision="correct", texts={"true_en": "Paint it red.", "differences": ["Red now."]}))
    assert row["other_wordings"] == [], "they were wordings of the text that was wrong"
    assert (row["true_en"], row["differences"], row["reviewer"], row["reviewed_at"]) == (
        "Paint it red.", ["Red now."], "person-1", "2026-01-02T03:04:05Z",
    )  # fmt: skip
    assert row["given_en"] == sample(1)["given_en"]
    with pytest.raises(ReviewError, match="person-1 corrected true_en, which a no_edit sample has not; reject it instead"):
        corrected(sample(1, NO_EDIT), review(decision="correct"))


def test_the_rejected_reply_follows_a_corrected_instruction_it_repeats() -> None:
    texts = {"given_en": "Paint thing 2 green.", "given_cn": "把2号涂绿。"}
    hallucination = corrected(sample(2, HALLUCINATION), review(decision="correct", texts=texts))
    assert (hallucination["rejected_en"], hallucination["rejected_cn"]) == ("Paint thing 2 green.", "把2号涂绿。")
    normal = corrected(sample(2, NORMAL), review(decision="correct", texts=texts))
    assert normal["rejected_en"] == sample(2, NORMAL)["rejected_en"]


def test_what_was_shown_is_known_by_its_digest() -> None:
    row = sample(3)
    assert shown_digest(row) == shown_digest({**row, "recipe": "other", "reviewer": "person-1"})
    for name in REVIEWED:
        value = b"other" if name.endswith("image") else not row[name] if name == "is_changed" else "other"
        assert shown_digest({**row, name: value}) != shown_digest(row), name


# Label Studio


def annotation(decision: str | None = "accept", by: Any = 7, **texts: Any) -> dict[str, Any]:
    """An annotation as Label Studio 1.x exports it."""
    results: list[dict[str, Any]] = []
    if decision is not None:
        results.append(
            {"id": "Dx_aB91ISN", "type": "choices", "value": {"choices": [decision]}, "origin": "manual", "to_name": "source"}
            | {"from_name": "decision"}
        )
    for name, text in texts.items():
        results.append(
            {"id": f"t{name}", "type": "textarea", "value": {"text": text}, "origin": "manual", "to_name": "source", "from_name": name}
        )
    return {
        "id": 1001,
        "completed_by": by,
        "result": results,
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2026-03-09T22:16:08.728353Z",
        "updated_at": "2026-03-10T08:00:00.000001Z",
        "draft_created_at": None,
        "lead_time": 4.288,
        "prediction": {},
        "result_count": len(results),
        "unique_id": "3d9a4b0e",
        "import_id": None,
        "last_action": None,
        "task": 1,
        "project": 3,
        "updated_by": 7,
        "parent_prediction": None,
        "parent_annotation": None,
        "last_created_by": None,
    }


def exported(*tasks: tuple[dict[str, Any], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Tasks as Label Studio exports them with their annotations."""
    return [
        {"id": 500 + number, **one, "annotations": annotations, "drafts": [], "predictions": [], "file_upload": "tasks.json", "meta": {}}
        | {"created_at": "2026-03-09T21:52:49.513742Z", "inner_id": number, "total_annotations": len(annotations), "project": 3}
        for number, (one, annotations) in enumerate(tasks, 1)
    ]


def shown(row: dict[str, Any]) -> dict[str, Any]:
    return task(row, "data:image/png;base64,", "data:image/png;base64,")


def read(tmp_path: Path, value: Any) -> list[Review]:
    path = tmp_path / "export.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return list(reviews_of(path, {"sample-0001", "sample-0002"}, "person"))


def test_interface_and_tasks_fit_together() -> None:
    root = ET.fromstring(INTERFACE)
    names = {one.get("name") for one in root.iter() if one.get("name")}
    assert {one.get("toName") for one in root.iter() if one.get("toName")} <= names
    assert {one.get("name") for one in root.iter("TextArea")} == {*TEXTS, "reason"}
    assert [one.get("value") for one in root.iter("Choice")] == ["accept", "correct", "reject"]
    data = shown(sample(1))["data"]
    referred = {one.get("value", "")[1:] for one in root.iter() if one.get("value", "").startswith("$")}
    assert referred <= set(data)
    assert json.loads(json.dumps(data)) == data


def test_export_holds_pictures_of_bounded_size_and_comes_back_as_acceptances(tmp_path: Path) -> None:
    rows = samples(24)
    rows[0] |= {"source_image": png(0, (900, 300)), "given_en": 'Make "it" <b>red</b> & blue. {{x}}'}
    gathered(tmp_path, rows)
    ok = [row for row in rows if row["status"] == "ok"]
    assert export(tmp_path, ALL, tmp_path / "out", tmp_path / "review.jsonl", 128, None) == len(ok) == 22
    tasks = json.loads((tmp_path / "out" / "tasks.json").read_text())
    assert {one["data"]["key"] for one in tasks} == {row["key"] for row in ok}
    first = next(one["data"] for one in tasks if one["data"]["key"] == "sample-0000")
    assert first["given_en"] == rows[0]["given_en"]
    picture = Image.open(io.BytesIO(base64.b64decode(first["source_image"].removeprefix("data:image/png;base64,"))))
    assert picture.size == (128, 43)
    (tmp_path / "back.json").write_text(json.dumps(exported(*((one, [annotation()]) for one in tasks))))
    assert take_in(tmp_path, [tmp_path / "back.json"], tmp_path / "review.jsonl", "person") == (22, 22)
    assert take_in(tmp_path, [tmp_path / "back.json"], tmp_path / "review.jsonl", "person") == (22, 0)
    found = {one.key: one for one in read_reviews(tmp_path / "review.jsonl", Review)}
    assert all(found[row["key"]].shown == shown_digest(row) for row in ok)
    assert export(tmp_path, ALL, tmp_path / "again", tmp_path / "review.jsonl", 128, None) == 0, "what was reviewed is not shown again"


def test_export_draws_what_was_chosen_and_writes_pictures_beside(tmp_path: Path) -> None:
    rows = samples(48)
    gathered(tmp_path, rows)
    choice = Choice((D2PO,), (HALLUCINATION,), 2)
    assert export(tmp_path, choice, tmp_path / "out", tmp_path / "none.jsonl", 512, "/data/local-files/?d=audit/") == 2
    tasks = json.loads((tmp_path / "out" / "tasks.json").read_text())
    by_key = {row["key"]: row for row in rows}
    for one in tasks:
        row = by_key[one["data"]["key"]]
        assert (row["purpose"], row["kind"]) == (D2PO, HALLUCINATION)
        assert one["data"]["edit_image"] == f"/data/local-files/?d=audit/{row['key']}-edit.png"
        assert (tmp_path / "out" / "pictures" / f"{row['key']}-edit.png").is_file()
    export(tmp_path, Choice((D2PO,), (HALLUCINATION,), 1), tmp_path / "one", tmp_path / "none.jsonl", 512, None)
    assert json.loads((tmp_path / "one" / "tasks.json").read_text())[0]["data"]["key"] == tasks[0]["data"]["key"]
    with pytest.raises(PipelineError, match=r"training_data\.json: no training data yet; run `snakemake training_data` first"):
        export(tmp_path / "empty", choice, tmp_path / "out", tmp_path / "none.jsonl", 512, None)


def test_decisions_texts_and_reviewers_are_read(tmp_path: Path) -> None:
    row = sample(1)
    unchanged = {name: "\n".join(row[name]) if name in LINES else row[name] for name in TEXTS}
    reviews = read(
        tmp_path,
        exported(
            (shown(row), [annotation("accept", **{name: [text] for name, text in unchanged.items()})]),
            (shown(row), [annotation("correct", true_en=["Paint it  red."], differences=["It is red.", "\n", "So is that."])]),
            (shown(row), [annotation("accept", by={"id": 9, "email": "ada@example.org", "first_name": "Ada"}, true_cn="涂红。")]),
            (shown(row), [annotation("reject", reason=["wrong thing"], true_en=["whatever"])]),
            (shown(row), [annotation("reject") | {"was_cancelled": True}]),
            (shown(sample(2)), []),
        ),
    )
    assert [one.decision for one in reviews] == ["accept", "correct", "correct", "reject"]
    assert reviews[1].texts == {"true_en": "Paint it red.", "differences": ["It is red.", "So is that."]}
    assert (reviews[2].reviewer, reviews[2].texts) == ("person-9", {"true_cn": "涂红。"}), "a changed text makes an acceptance a correction"
    assert "ada" not in reviews[2].model_dump_json()
    assert (reviews[3].reason, reviews[3].texts) == ("wrong thing", {})
    assert {one.time for one in reviews} == {"2026-03-10T08:00:00.000001Z"}


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("{not json", "no JSON export of Label Studio"),
        ({"tasks": []}, "it holds a list of tasks; choose the format JSON"),
        ([3], r"task 1: Input should be"),
        ([{"id": 4, "annotations": []}], r"task 1 \(id 4\): data: Field required"),
        (exported((shown(sample(1)), [{"result": "all"}])), r"task 1 \(id 501\): annotations\.0\.result: Input should be"),
        (exported((shown(sample(9)), [annotation()])), "key 'sample-0009' is no sample of this run; import into the run that exported it"),
        (exported(({"data": {"image": "x"}}, [annotation()])), "key None is no sample of this run"),
        (exported((shown(sample(1)), [annotation(None)])), "no decision; it must be accept, correct or reject"),
        (exported((shown(sample(1)), [annotation("fine")])), "decision: Input should be 'accept', 'reject' or 'correct'"),
        (exported((shown(sample(1)), [annotation("correct")])), "the decision is correct, and no text was changed"),
        (
            exported((shown(sample(1)), [annotation("correct", true_en=["One.", "Two."])])),
            "true_en holds 2 entries; leave the right one alone",
        ),
        (exported((shown(sample(1)), [annotation("correct", true_en=[" "])])), "true_en was emptied; reject the sample instead"),
        (exported((shown(sample(1)), [annotation("correct", true_cn=["Red."])])), "true_cn holds no Chinese text"),
        (exported((shown(sample(1)), [annotation("correct", true_en=3)])), "true_en must hold text"),
        (exported((shown(sample(1)), [annotation(by=None)])), "completed_by names no user number"),
        (exported((shown(sample(1)), [annotation() | {"updated_at": "soon"}])), "no time in updated_at or created_at"),
    ],
)
def test_malformed_exports_are_refused_with_file_and_row(tmp_path: Path, value: Any, fault: str) -> None:
    with pytest.raises(ReviewError, match=fault) as caught:
        read(tmp_path, value)
    assert str(caught.value).startswith(str(tmp_path / "export.json"))
    assert "\n" not in str(caught.value)


def test_nothing_is_appended_where_one_export_has_a_fault(tmp_path: Path) -> None:
    gathered(tmp_path, samples(8))
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(exported((shown(sample(1)), [annotation()]))))
    bad.write_text(json.dumps(exported((shown(sample(1)), [annotation()]), (shown(sample(2)), [annotation(None)]))))
    with pytest.raises(ReviewError, match=r"bad\.json, task 2 \(id 502\): no decision"):
        take_in(tmp_path, [good, bad], tmp_path / "review.jsonl", "person")
    assert not (tmp_path / "review.jsonl").exists()


def test_sft_samples_can_be_reviewed_too(tmp_path: Path) -> None:
    gathered(tmp_path, samples(16))
    assert export(tmp_path, Choice((SFT,), KINDS, 50), tmp_path / "out", tmp_path / "none.jsonl", 64, None) == 4
