"""Several reviewers: how far they agree, what is settled, and how that reaches the training data."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from checkout import REPOSITORY
from made_samples import gathered, samples, write_parts
from unicedit.review.agreement import agreements, kappa_of, lines_of
from unicedit.review.decision import Decision, ReviewError, append_reviews, read_reviews
from unicedit.review.journal import opened
from unicedit.review.session import Session
from unicedit.review.settle import fresh, settlement, write_settled
from unicedit.training.queue import Choice, SampleQueue
from unicedit.training.review import Review, shown_digest
from unicedit.training.schema import FILES, KINDS
from unicedit.training.training_data import join

ALL = Choice(FILES, KINDS, 1000)
RED = {"true_en": "Make it red."}


def said(reviewer: str, decision: str = "accept", key: str = "a", minute: int = 0, **more: Any) -> Review:
    texts = RED if decision == "correct" else {}
    values = {"key": key, "shown": "0" * 32, "decision": decision, "reviewer": reviewer, "time": f"2026-01-02T03:{minute:02d}:00Z"}
    return Review(**{**values, "texts": texts, **more})


# agreement


def test_kappa_of_known_tables() -> None:
    # SAS/STAT user's guide, the FREQ procedure, skin condition by two dermatologists: 0.3449 (0.2030, 0.4868)
    kappa, (low, high) = kappa_of([[10, 4, 1, 0], [5, 10, 12, 2], [2, 4, 12, 5], [0, 2, 6, 13]])
    assert (round(kappa or 0, 4), round(low or 0, 4), round(high or 0, 4)) == (0.3449, 0.2030, 0.4868)
    # Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions, table 18.1: 0.68, standard error 0.087 (printed with fewer decimals on the way)
    kappa, (low, high) = kappa_of([[75, 1, 4], [5, 4, 1], [0, 0, 10]])
    assert kappa == pytest.approx(0.676, abs=5e-4)
    assert ((high or 0) - (low or 0)) / 2 / 1.959964 == pytest.approx(0.087, abs=1e-3)
    assert kappa_of([[20, 5], [10, 15]])[0] == pytest.approx(0.4)


def test_kappa_where_nothing_is_known() -> None:
    assert kappa_of(np.zeros((3, 3))) == (None, (None, None))
    assert kappa_of([[9, 0, 0], [0, 0, 0], [0, 0, 0]]) == (None, (None, None)), "chance alone agrees always"
    assert kappa_of([[5, 0, 0], [0, 3, 0], [0, 0, 2]]) == (1.0, (None, None)), "no spread is known"
    assert kappa_of([[0, 5], [5, 0]])[0] == pytest.approx(-1)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=60))
def test_kappa_is_that_of_another_implementation(pairs: list[tuple[int, int]]) -> None:
    counts = np.zeros((3, 3), dtype=int)
    for row, column in pairs:
        counts[row, column] += 1
    kappa, (low, high) = kappa_of(counts)
    assume(kappa is not None)
    assert kappa == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True), labels=[0, 1, 2]), abs=1e-12)
    assert low is None or high is None or -1 <= low <= (kappa or 0) <= high <= 1


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    shares = np.array([[0.5, 0.06, 0.05], [0.08, 0.15, 0.02], [0.04, 0.02, 0.08]])
    truth = kappa_of(shares * 1e9)[0]
    chance = np.random.default_rng(5)
    drawn = chance.multinomial(200, shares.ravel() / shares.sum(), size=2000).reshape(-1, 3, 3)
    held = [low < truth < high for low, high in (kappa_of(counts)[1] for counts in drawn)]
    assert 0.93 < np.mean(held) < 0.965


def test_pairs_of_reviewers_are_compared_where_both_decided_alone() -> None:
    decisions = [said("anna", key=f"k{number}") for number in range(8)]
    decisions += [said("bob", "reject" if number < 2 else "accept", key=f"k{number}") for number in range(6)]
    decisions += [
        said("anna", "reject", key="k0", minute=5),
        said("bob", "accept", key="k1", minute=9, settles=True),
        said("carl", key="other"),
    ]
    (one,) = agreements(decisions)
    assert (one.reviewers, one.n, one.agreed) == (("anna", "bob"), 6, 5), "anna's later word counts, bob's settling does not"
    assert one.counts == ((4, 1, 0), (0, 1, 0), (0, 0, 0))
    assert one.kappa == pytest.approx((5 / 6 - 22 / 36) / (1 - 22 / 36))
    text = "\n".join(lines_of([one]))
    assert text.startswith("anna, bob: 5 of 6 agree, 0.833 (0.436 to 0.970); kappa 0.571 (") and "anna accept, bob reject: 1" in text
    both = [said(name, "correct", key=f"k{number}") for name in ("anna", "bob") for number in range(3)]
    both[0] = said("anna", "correct", key="k0", texts={"true_en": "Redden it."})
    (one,) = agreements(both)
    assert (one.agreed, one.texts, one.same_texts) == (3, 3, 2)
    assert "no kappa: all is one decision" in lines_of([one])[0] and "with the same words 2" in lines_of([one])[1]
    assert agreements([said("anna")]) == []


# settling


def outcome(decisions: list[Review], needed: int) -> tuple[str, Any]:
    found = settlement(decisions, needed)
    if found.settled:
        return "settled", (found.settled["a"].decision, found.settled["a"].reviewer)
    return ("disagreed" if found.disagreed else "waiting"), None


@pytest.mark.parametrize(
    ("decisions", "needed", "expected"),
    [
        ([said("anna")], 1, ("settled", ("accept", "anna"))),
        ([said("anna")], 2, ("waiting", None)),
        ([said("anna"), said("bob")], 2, ("settled", ("accept", "anna+bob"))),
        ([said("anna"), said("anna", "reject", minute=1), said("bob", "reject")], 2, ("settled", ("reject", "anna+bob"))),
        ([said("anna"), said("bob", "reject")], 1, ("disagreed", None)),
        ([said("anna"), said("bob", "reject")], 2, ("disagreed", None)),
        ([said("anna"), said("bob", "reject")], 3, ("waiting", None)),
        ([said("anna"), said("bob", "reject"), said("carl")], 2, ("settled", ("accept", "anna+carl"))),
        ([said("anna"), said("bob", "reject"), said("carl", "correct")], 2, ("disagreed", None)),
        ([said("a1"), said("a2"), said("b1", "reject"), said("b2", "reject")], 2, ("disagreed", None)),
        ([said("anna", "correct"), said("bob", "correct")], 2, ("settled", ("correct", "anna+bob"))),
        ([said("anna", "correct"), said("bob", "correct", texts={"true_en": "Redden it."})], 2, ("disagreed", None)),
        ([said("anna"), said("bob", "reject"), said("carl", "correct", settles=True)], 2, ("settled", ("correct", "carl"))),
        ([said("c", "reject", settles=True, minute=2), said("d", settles=True, minute=1), said("anna")], 2, ("settled", ("reject", "c"))),
    ],
)
def test_what_is_settled(decisions: list[Review], needed: int, expected: Any) -> None:
    assert outcome(decisions, needed) == expected
    assert outcome(decisions[::-1], needed) == expected, "whatever the order of files"


def test_a_joint_decision_has_the_time_of_its_last_and_all_reasons() -> None:
    found = settlement([said("anna", "reject", minute=7, reason="dull"), said("bob", "reject", minute=3, reason="wrong")], 2).settled["a"]
    assert (found.time, found.reason) == ("2026-01-02T03:07:00Z", "dull; wrong")
    assert Review.model_validate_json(found.line(), strict=True) == found


def test_the_settled_file_follows_from_the_decisions_alone(tmp_path: Path) -> None:
    path = tmp_path / "settled.jsonl"
    first = [said("anna"), said("bob"), said("anna", "reject", key="b")]
    write_settled(path, settlement(first, 1).settled, first, Review)
    assert [(one.key, one.decision, one.reviewer) for one in read_reviews(path, Review)] == [
        ("a", "accept", "anna+bob"),
        ("b", "reject", "anna"),
    ]
    later = [*first, said("bob", "reject", minute=3)]
    write_settled(path, settlement(later, 1).settled, later, Review)
    assert [one.key for one in read_reviews(path, Review)] == ["b"], "what is no longer settled is gone"
    before = path.read_bytes()
    append_reviews(path, [said("person-7", key="c")])
    with pytest.raises(ReviewError, match=r"settled\.jsonl: holds a review by person-7 that is in no file of decisions; move the file"):
        write_settled(path, settlement(later, 1).settled, later, Review)
    assert path.read_bytes().startswith(before), "imported reviews are not lost"


# from the page to the training data


def review(folder: Path, *arguments: str, fails: bool = False) -> str:
    words = [sys.executable, REPOSITORY / "workflow/scripts/review.py", "--results", "results", *arguments]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stderr if fails else done.stdout


def decide(folder: Path, reviewer: str, decisions: dict[str, tuple[str, dict[str, str]]], settling: bool = False) -> None:
    """Decide rows by key as the page does."""
    queue = SampleQueue(folder / "results", ALL)
    with opened(folder / "reviews/samples/decisions", reviewer, Review) as journal:
        session = Session(queue, queue.keys(), journal, {} if settling else None)
        for key, (decision, texts) in decisions.items():
            number = session.keys.index(key)
            body = {"shown": session.row(number)["shown"], "decision": decision, "texts": texts}
            session.decide(number, json.dumps(body).encode())


def test_two_reviewers_reach_the_training_data(tmp_path: Path) -> None:
    rows = samples(48)
    results = tmp_path / "results"
    gathered(results, rows)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yaml").write_text("{}\n")
    assert "no decisions yet; `make review" in review(tmp_path, "agreement", fails=True)
    keys = [row["key"] for row in rows if row["status"] == "ok" and row["kind"] == "hallucination" and row["split"] == "train"]
    accepted, rejected, rewritten, disputed, alone = keys[:5]
    same = {"true_en": "Paint it red.", "true_cn": "涂成红色。"}
    decide(tmp_path, "anna", {accepted: ("accept", {}), rejected: ("reject", {}), rewritten: ("correct", same), disputed: ("accept", {})})
    assert "there is no agreement to measure" in review(tmp_path, "agreement")
    decide(
        tmp_path,
        "bob",
        {accepted: ("accept", {}), rejected: ("reject", {}), rewritten: ("correct", same), disputed: ("reject", {}), alone: ("accept", {})},
    )
    told = review(tmp_path, "--agree", "2", "agreement")
    assert told.startswith("anna, bob: 3 of 4 agree, 0.750 (") and "kappa 0.636" in told and "anna accept, bob reject: 1" in told
    assert "settled: 3 (1 accept, 1 correct, 1 reject)" in told and "disagreed: 1;" in told and "decided by fewer than 2: 1" in told
    settled = tmp_path / "reviews/samples/settled.jsonl"
    assert not settled.exists(), "printing writes nothing"
    review(tmp_path, "--agree", "2", "settle")
    once = settled.read_bytes()
    review(tmp_path, "--agree", "2", "settle")
    assert settled.read_bytes() == once
    decide(tmp_path, "carl", {disputed: ("correct", same)}, settling=True)
    assert "disagreed" not in review(tmp_path, "--agree", "2", "settle")
    count = join(write_parts(results, rows), settled, results / "verifier" / "data")
    assert (count.applied, count.stale, count.absent) == (4, 0, 0)
    found = {row["key"]: row for name in FILES for row in pq.read_table(results / f"verifier/data/{name}.parquet").to_pylist()}
    assert rejected not in found
    assert [found[key]["reviewer"] for key in (accepted, rewritten, disputed, alone)] == ["anna+bob", "anna+bob", "carl", None]
    assert found[disputed]["true_cn"] == "涂成红色。" and str(found[accepted]["reviewed_at"]).endswith("Z")
    assert [reason for _, _, _, _, reason in count.dropped if reason and reason.startswith("reviewer")] == [
        "reviewer: anna+bob: no reason given"
    ]


def test_stale_and_absent_decisions_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = samples(16)
    gathered(tmp_path, rows)
    good, changed = [row for row in rows if row["status"] == "ok"][:2]
    decisions: list[Decision] = [
        said("anna", key=good["key"], shown=shown_digest(good)),
        said("anna", key=changed["key"], shown="1" * 32),
        said("anna", key="gone"),
    ]
    found = fresh(decisions, SampleQueue(tmp_path, Choice((), (), 0)))
    assert ([one.key for one in found.decisions], found.stale, found.absent) == ([good["key"]], 1, 1)


def test_what_label_studio_brought_is_settled_with_the_rest(tmp_path: Path) -> None:
    """Its import writes the same lines, of several reviewers in one file: named among the decisions, they count like the page's."""
    rows = samples(16)
    gathered(tmp_path / "results", rows)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yaml").write_text("{}\n")
    row = next(row for row in rows if row["status"] == "ok")
    decide(tmp_path, "anna", {row["key"]: ("accept", {})})
    imported = [
        said("person-7", key=row["key"], shown=shown_digest(row)),
        said("person-8", "reject", key=row["key"], shown=shown_digest(row)),
    ]
    append_reviews(tmp_path / "reviews/samples/decisions/label-studio.jsonl", imported)
    told = review(tmp_path, "--agree", "2", "settle")
    assert "settled: 1 (1 accept)" in told
    (one,) = read_reviews(tmp_path / "reviews/samples/settled.jsonl", Review)
    assert one.reviewer == "anna+person-7"
