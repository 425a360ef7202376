"""Instructions: balanced plans, strict replies, a row for every slot."""

import json
import pickle
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from small_tables import counts_of, key_of, rows_of, run_stage, write_sources
from unicedit.config.instruct import InstructSettings
from unicedit.instruct import writing
from unicedit.instruct.plan import Plan, PlanError, Planner, systematic
from unicedit.instruct.prompt import prompt
from unicedit.instruct.reply import normalised, parse_reply
from unicedit.instruct.stage import InstructStage
from unicedit.taxonomy import load
from unicedit.vlm.port import Arrived, VlmEngine, VlmReply, VlmRequest, unheard
from unicedit.vlm.reply import ReplyError

TAXONOMY = load(Path(__file__).parents[2] / "config" / "taxonomy.yaml")
ORDINARY = Plan(("Subject Removal", "Style Transfer", "Spatial Reasoning Edits"), ("Tone Transformation", "Lens Zooming"))


def planner(**settings: Any) -> Planner:
    return Planner(InstructSettings(**settings), TAXONOMY)


def entry(subtask: str, **columns: Any) -> dict[str, Any]:
    points = ["the effect shows"] if TAXONOMY.reasons(subtask) else []
    texts = {"en": f"Do {subtask}.", "cn": f"做{subtask}。"}
    return {"subtask": subtask, "possible": True, "needs": "", **texts, "reasoning_points": points, **columns}


def impossible(subtask: str) -> dict[str, Any]:
    return entry(subtask, possible=False, needs="a person", en="", cn="", reasoning_points=[])


def text_of(*entries: dict[str, Any]) -> str:
    return json.dumps({"instructions": entries}, ensure_ascii=False)


# --- plans


SETTINGS: list[dict[str, Any]] = [
    {},
    {"pass_rates": {"Counting Change": 0.35, "Portrait Editing": 0.5, "Style Transfer": 0.9}},
    {"shares": {"Style Transfer": 4, "Lens Zooming": 0.5, "Object Extraction": 0}, "pass_rates": {"Lens Zooming": 0.3}},
    {"per_image": {"min": 1, "max": 22}, "shares": {"Style Transfer": 1.6}},  # capped for pictures with many instructions
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_accepted_rows_come_out_in_the_target_shares(settings: dict[str, Any]) -> None:
    made = planner(**settings)
    assert not made.unreachable()
    pictures = 6000
    asked: Counter[str] = Counter()
    for number in range(pictures):
        asked.update(made.plan(key_of(number)).asked)
    accepted = {name: asked[name] * made.pass_rates[name] for name in made.names}
    total = sum(accepted.values())
    for one in made.expected():
        assert one.expected == pytest.approx(one.target, rel=1e-6)
        # four standard deviations of a count, at most
        assert abs(asked[one.subtask] - one.asked * pictures) < 4 * (one.asked * pictures) ** 0.5
        assert accepted[one.subtask] / total == pytest.approx(one.target, rel=0.12)


def test_alternates_follow_the_weights_too() -> None:
    made = planner(pass_rates={"Counting Change": 0.4, "Portrait Editing": 0.5})
    offered: Counter[str] = Counter()
    for number in range(6000):
        offered.update(made.plan(key_of(number)).alternates)
    weights = dict(zip(made.names, made.weights, strict=True))
    for name in made.names:
        assert offered[name] / offered.total() == pytest.approx(weights[name] / sum(weights.values()), rel=0.15), name


def test_plan_is_the_same_every_time_and_never_repeats_a_subtask() -> None:
    counts: Counter[int] = Counter()
    for number in range(2000):
        plan = planner_of_all.plan(key_of(number))
        assert plan == planner_of_all.plan(key_of(number))
        assert len(set(plan.asked + plan.alternates)) == plan.count + 3
        counts[plan.count] += 1
    assert sorted(counts) == [3, 4, 5, 6, 7]
    assert all(abs(count - 400) < 80 for count in counts.values())
    assert planner_of_all.plan("0" * 20) == planner().plan("0" * 20)


planner_of_all = planner()


def test_a_target_that_cannot_be_reached_is_told() -> None:
    made = planner(pass_rates={"Counting Change": 0.05})
    (short,) = made.unreachable()
    assert short.subtask == "Counting Change"
    assert short.asked == pytest.approx(1.0)
    assert short.expected < 0.02 < short.target
    # the others keep their proportions
    others = {round(one.expected, 9) for one in made.expected() if one.subtask != "Counting Change"}
    assert len(others) == 1


def test_settings_that_no_plan_fits_are_refused() -> None:
    with pytest.raises(PlanError, match=r"instruct\.shares\.Counting: no such sub-task in .*known: Subject Addition"):
        planner(shares={"Counting": 2})
    with pytest.raises(PlanError, match=r"per_image\.max = 7: at most 2, as many"):
        planner(shares=dict.fromkeys(TAXONOMY.names[2:], 0.0))
    with pytest.raises(ValueError, match="min must be at most max"):
        InstructSettings(per_image={"min": 5, "max": 3})  # type: ignore[arg-type]


def test_systematic_sampling_takes_exactly_the_number_wanted() -> None:
    thirds = [1 / 3] * 9
    for step in range(1000):
        assert len(systematic(range(9), thirds, 3, step / 1000)) == 3
    assert len(systematic(range(10), [0.1] * 10, 1, 1 - 1e-17)) == 1


# --- prompt and reply


def test_prompt_holds_what_the_writer_must_know() -> None:
    text = prompt(ORDINARY, TAXONOMY)
    for name in ORDINARY.asked + ORDINARY.alternates:
        subtask = TAXONOMY.subtasks[name]
        assert name in text and subtask.definition in text and subtask.impossible_when in text and subtask.examples[0].cn in text
    assert "write 3 editing instructions" in text
    assert "For Spatial Reasoning Edits: give" in text
    assert 'reasoning_points" empty.' in prompt(Plan(("Style Transfer",), ()), TAXONOMY)
    assert "Spare kinds" not in prompt(Plan(("Style Transfer",), ()), TAXONOMY)


def test_reply_may_stand_in_a_code_fence() -> None:
    text = text_of(entry("Style Transfer"))
    for dressed in (text, f"  \n{text}\n", f"```json\n{text}\n```", f"```\n{text}```\n"):
        assert parse_reply(dressed, ORDINARY, TAXONOMY)["Style Transfer"].en == "Do Style Transfer."


MALFORMED = {
    "empty": "",
    "cut": text_of(entry("Style Transfer"))[:-9],
    "prose": "Here you are: the style of this picture could be another one.",
    "list": "[]",
    "nothing": text_of(),
    "unknown sub-task": text_of(entry("Tone Transformation") | {"subtask": "Make it nice"}),
    "not asked for": text_of(entry("Motion Change")),
    "twice": text_of(entry("Style Transfer"), entry("Style Transfer", en="Other.")),
    "word for truth": text_of(entry("Style Transfer", possible="true")),
    "missing key": text_of({key: value for key, value in entry("Style Transfer").items() if key != "needs"}),
    "further key": text_of(entry("Style Transfer", note="!")),
    "no English": text_of(entry("Style Transfer", en="改")),
    "no Chinese": text_of(entry("Style Transfer", cn="Style")),
    "only control characters": text_of(entry("Style Transfer", en="\x00\x07\u202e")),
    "too long": text_of(entry("Style Transfer", en="very " * 250)),
    "no reasoning points": text_of(entry("Spatial Reasoning Edits", reasoning_points=[])),
    "too many points": text_of(entry("Spatial Reasoning Edits", reasoning_points=["p"] * 11)),
    "deep": '{"instructions":' + "[" * 20_000,
    "large": text_of(entry("Style Transfer", needs="x" * 200_000)),
    "lone surrogate": '{"instructions": "\ud800"}',
    "not a number": '{"instructions": NaN}',
}


@pytest.mark.parametrize("name", MALFORMED)
def test_reply_that_does_not_fit_is_refused(name: str) -> None:
    with pytest.raises(ReplyError) as caught:
        parse_reply(MALFORMED[name], ORDINARY, TAXONOMY)
    assert len(str(caught.value)) <= 400 and "\n" not in str(caught.value)


def test_control_characters_and_direction_marks_are_taken_out() -> None:
    hostile = entry("Style Transfer", en="Make\x00 it \u202eevil\u202c\n\n a\tpainting\u200b.\x1b[31m", cn="变成\x07油画。")
    found = parse_reply(text_of(hostile), ORDINARY, TAXONOMY)["Style Transfer"]
    assert found.en == "Make it evil a painting. [31m"
    assert found.cn == "变成 油画。"


def test_normalised_texts_ignore_case_width_and_punctuation() -> None:
    assert normalised("Remove the RED ball!") == normalised("remove the red  ball")
    assert normalised("移除红球。") == normalised("移除，红球")
    assert normalised("Remove the red ball") != normalised("Remove the blue ball")


# --- the stage


class Writer(VlmEngine):
    """A stand-in engine: answers with ``text(request)`` and notes every batch it is handed."""

    def __init__(self, text: Callable[[VlmRequest], str]) -> None:
        self.text = text
        self.batches: list[list[tuple[str, int]]] = []

    def reply(self, requests: Sequence[VlmRequest], arrived: Arrived = unheard) -> list[VlmReply]:
        self.batches.append([(request.key, request.attempt) for request in requests])
        return [VlmReply(self.text(request), "stand-in-1") for request in requests]


def all_possible(request: VlmRequest) -> str:
    return text_of(*(entry(name, en=f"Do {name} to {request.key}.") for name in request.details["asked"]))


def make(folder: Path, monkeypatch: pytest.MonkeyPatch, writer: Writer, count: int = 10, **settings: Any) -> InstructStage:
    ingest, prefilter = write_sources(folder, count, rejected=[3])
    monkeypatch.setattr(writing, "open_writer", lambda *_: writer)
    return InstructStage(ingest, prefilter, InstructSettings(**settings), TAXONOMY, "recipe-1")


def test_a_row_a_slot_for_every_picture_that_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(all_possible)
    stage = make(tmp_path, monkeypatch, writer)
    rows = rows_of(run_stage(stage, tmp_path))
    expected = [
        (f"{key_of(number)}-{slot:02d}", name)
        for number in range(10)
        if number != 3
        for slot, name in enumerate(stage.planner.plan(key_of(number)).asked)
    ]
    assert [(row["key"], row["subtask"]) for row in rows] == expected
    assert {row["status"] for row in rows} == {"ok"}
    assert {row["writer"] for row in rows} == {"stand-in-1"}
    assert all(bool(row["reasoning_points"]) == TAXONOMY.reasons(row["subtask"]) for row in rows)
    assert all(row["task"] == TAXONOMY.task_of[row["subtask"]] and row["alternate"] is False for row in rows)


def test_engine_gets_whole_batches_and_only_refused_ones_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stubborn, once = key_of(1), key_of(2)

    def text(request: VlmRequest) -> str:
        bad = request.key == stubborn or (request.key == once and request.attempt == 0)
        return "I cannot do this \ud800" if bad else all_possible(request)

    writer = Writer(text)
    table = run_stage(make(tmp_path, monkeypatch, writer, batch_size=6, attempts=3), tmp_path)
    assert [len(batch) for batch in writer.batches] == [6, 2, 1, 3]
    assert writer.batches[1] == [(stubborn, 1), (once, 1)] and writer.batches[2] == [(stubborn, 2)]
    (failed,) = [row for row in rows_of(table) if row["status"] == "failed"]
    assert failed["image"] == failed["key"] == stubborn
    assert failed["raw"] == "I cannot do this ?"
    assert failed["reason"].startswith("reply: ") and failed["reason"].endswith("(3 attempts)")
    assert counts_of(table)["reasons"] == {"reply": 1}
    assert counts_of(table)["rows_in"] == 9


def test_impossible_duplicate_unanswered_and_alternates_each_have_their_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def text(request: VlmRequest) -> str:
        first, second, third, *rest = request.details["asked"]
        used, surplus, _ = request.details["alternates"]
        return text_of(
            impossible(first),
            entry(second, en="Do it, now!", cn="做吧"),
            entry(third, en="do it NOW", cn="别的"),
            *(entry(name) for name in rest[1:]),
            entry(used, en="In place.", cn="代替。"),
            entry(surplus, en="Too much.", cn="太多。"),
        )

    stage = make(tmp_path, monkeypatch, Writer(text), count=1, per_image={"min": 4, "max": 4})
    rows = rows_of(run_stage(stage, tmp_path))
    assert [(row["slot"], row["status"], row["reason"], row["alternate"]) for row in rows] == [
        (0, "rejected", "impossible: a person", False),
        (1, "ok", None, False),
        (2, "rejected", "duplicate: same as slot 1", False),
        (3, "rejected", "unanswered: the reply does not mention it", False),
        (4, "ok", None, True),
        (5, "rejected", "surplus: no impossible sub-task is left to replace", True),
    ]
    assert rows[2]["instruction_en"] == "do it NOW"  # kept, though rejected
    assert "In place." in rows[3]["raw"] and rows[0]["raw"] is None


def test_the_same_rows_whatever_the_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def text(request: VlmRequest) -> str:
        return "no" if int(request.key, 16) % 3 == request.attempt else all_possible(request)

    tables = []
    for name, size in (("one", 1), ("four", 4), ("all", 64)):
        stage = make(tmp_path / name, monkeypatch, Writer(text), batch_size=size)
        tables.append(run_stage(stage, tmp_path / name).read_bytes())
    assert tables[0] == tables[1] == tables[2]


def test_new_pass_rates_ask_only_pictures_whose_plan_they_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Writer(all_possible), Writer(all_possible)
    before = make(tmp_path, monkeypatch, first, count=40, pass_rates={})
    run_stage(before, tmp_path)
    after = make(tmp_path, monkeypatch, second, count=40, pass_rates={"Style Transfer": 0.97})
    run_stage(after, tmp_path)
    keys = [key_of(number) for number in range(40) if number != 3]
    moved = [key for key in keys if before.planner.plan(key) != after.planner.plan(key)]
    assert [key for batch in second.batches for key, _ in batch] == moved
    assert len(moved) < 30


def test_stage_travels_to_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = make(tmp_path, monkeypatch, Writer(all_possible))
    items = list(stage.items())
    copy = pickle.loads(pickle.dumps(stage))
    assert list(copy.items()) == items
    assert copy.load(items[:2]) == stage.load(items[:2])
