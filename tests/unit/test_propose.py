"""Proposals for a benchmark: which pictures are asked for what, which replies fit, what is taken of them, and what is told of the rest."""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from checkout import REPOSITORY
from small_tables import counts_of, key_of, picture, png, rows_of, run_stage, write_table
from unicedit.benchmark.files import file_samples, jsonl_of, read_jsonl
from unicedit.benchmark.record import check_records, tasks_of
from unicedit.check_files import check_files
from unicedit.config.benchmark import BenchmarkSettings
from unicedit.config.instruct import InstructSettings
from unicedit.config.model import parse
from unicedit.config.propose import ProposeSettings
from unicedit.instruct import writing
from unicedit.instruct.plan import PlanError
from unicedit.pictures import bytes_digest
from unicedit.propose.gather import gather
from unicedit.propose.pictures import Candidate, Used, choose
from unicedit.propose.plan import ProposePlan, check_known
from unicedit.propose.stage import ProposeStage
from unicedit.propose.take import Proposal, take
from unicedit.schema import DATASET_INDEX, INGEST, PREFILTER
from unicedit.taxonomy import load
from unicedit.training.schema import SAMPLES
from unicedit.vlm.port import Arrived, VlmEngine, VlmReply, VlmRequest, unheard
from unicedit.vlm.reply import ReplyError
from unicedit.workflow import Pipeline

TAXONOMY = load(REPOSITORY / "config" / "taxonomy.yaml")
TASKS = tasks_of(REPOSITORY / "config/paper/taxonomy.csv")
SHARDS = ("00000", "00001")
EACH = 20  # pictures a shard
REJECTED = 3  # its number in the library
Tables = list[tuple[str, Path, Path]]


def plan_of(**settings: Any) -> ProposePlan:
    return ProposePlan(ProposeSettings(**settings), InstructSettings(), TAXONOMY)


def hash_of(number: int) -> str:
    """Hashes of two numbers differ in 12 bits at least, but those of 10 and 11, which differ in 3."""
    return (
        key_of(0x0123456789ABCDEF ^ 0b111)[-16:]
        if number == 11
        else bytes_digest(b"%d" % number)[:16]
        if number != 10
        else "0123456789abcdef"
    )


@pytest.fixture
def library(tmp_path: Path) -> Tables:
    """Forty pictures in two shards; number 3 did not pass the prefilter, number 30 is number 5 again."""
    tables = []
    for place, shard in enumerate(SHARDS):
        ingest, prefilter = (tmp_path / "results" / stage / f"{shard}.parquet" for stage in ("ingest", "prefilter"))
        rows: list[dict[str, Any]] = []
        for number in range(place * EACH, (place + 1) * EACH):
            same = 5 if number == 30 else number
            data = png(picture(same, (32, 24)))
            where = {"source": f"{number}.png", "key": key_of(same), "phash": hash_of(same), "phash_mirror": hash_of(same + 500)}
            size = {"width": 64, "height": 48, "crop_left": 0, "crop_top": 0, "crop_right": 64, "crop_bottom": 48}
            rows.append({**where, **size, "image_width": 32, "image_height": 24, "image_digest": bytes_digest(data), "image": data})
        write_table(ingest, INGEST, rows)
        light = [{"source": row["source"], "key": row["key"]} for row in rows]
        for row in light:
            if row["source"] in (f"{REJECTED}.png", "30.png"):
                row |= {"status": "rejected", "reason": "said so"}
        write_table(prefilter, PREFILTER, light)
        tables.append((shard, ingest, prefilter))
    return tables


def drawn(library: Tables, number: int, used: Sequence[Path] = (), **settings: Any) -> list[Candidate]:
    return choose(library, Used(used), ProposeSettings(**settings), number)


# --- which pictures


def test_pictures_are_drawn_by_seed_and_more_of_them_add_to_fewer(library: Tables) -> None:
    ten, twenty, all_ = ([one.key for one in drawn(library, number)] for number in (10, 20, 1000))
    assert set(ten) < set(twenty) < set(all_) and len(ten) == 10
    assert sorted(all_) == all_ == [key_of(number) for number in range(40) if number not in (REJECTED, 30)], (
        "each once, in the library's order"
    )
    assert ten == [one.key for one in drawn(library, 10)] != [one.key for one in drawn(library, 10, seed=1)]
    assert {one.shard for one in drawn(library, 20)} == set(SHARDS)


def test_pictures_that_were_trained_on_are_left_out(library: Tables, tmp_path: Path) -> None:
    index, samples = tmp_path / "index.parquet", tmp_path / "sft.parquet"
    light = {"shard": "00000", "row": 0, "edit_task": "", "edit_subtask": "", "editor": "one"}
    pq.write_table(_table([{**light, "key": f"{key_of(number)}-0{number}-one-more"} for number in (1, 10)], DATASET_INDEX), index)
    # 30.png is picture 5 in another file
    pq.write_table(
        _table([{"key": "sample", "source": source, "status": "ok"} for source in ("30.png", "unheard.png", None)], SAMPLES), samples
    )
    left = {one.key for one in drawn(library, 1000, [index, samples])}
    assert {key_of(number) for number in range(40)} - left == {key_of(number) for number in (1, REJECTED, 5, 10, 30)}
    near = {one.key for one in drawn(library, 1000, [index, samples], max_distance=4)}
    assert left - near == {key_of(11)}, "it looks like number 10, which was trained on"


def _table(rows: list[dict[str, Any]], schema: Any) -> Any:
    import pyarrow as pa

    return pa.Table.from_pylist(rows, schema=schema)


def test_of_two_pictures_that_look_alike_one_is_drawn(library: Tables) -> None:
    def both(**settings: Any) -> int:
        return len({key_of(10), key_of(11)} & {one.key for one in drawn(library, 1000, **settings)})

    assert [both(), both(max_distance=2), both(max_distance=3)] == [2, 2, 1]
    fewer = drawn(library, 15, max_distance=3)
    assert len(fewer) == 15 and set(fewer) < set(drawn(library, 30, max_distance=3))


# --- what they are asked for


def test_every_subtask_is_asked_for_equally_and_often_enough() -> None:
    plan = plan_of(per_subtask=50, oversample=1.5, asked=5, asks=3, per_picture=2)
    assert (plan.settings.wanted, plan.pictures) == (75, 990)
    asked = Counter(name for number in range(990) for name in plan.plan(key_of(number)).asked)
    assert asked.keys() == set(TAXONOMY.names) and all(number == pytest.approx(225, abs=60) for number in asked.values())
    assert plan_of(per_subtask=50, oversample=1.5, per_picture=1).pictures == 22 * 75, "a picture for every record"
    assert ProposeSettings(per_subtask=10, oversample=1.1).wanted == 11


def test_a_picture_is_asked_for_as_many_subtasks_as_there_are() -> None:
    plan = plan_of(subtasks=["Style Transfer", "Lens Zooming"], asked=5)
    assert set(plan.plan(key_of(1)).asked) == {"Style Transfer", "Lens Zooming"} and plan.names == ["Style Transfer", "Lens Zooming"]
    assert set(plan_of(asked=22).plan(key_of(1)).asked) == set(TAXONOMY.names)
    assert plan_of(seed=1).plan(key_of(1)) != plan_of().plan(key_of(1)) == plan_of(per_subtask=7).plan(key_of(1))


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(
        PlanError, match=r"config: propose\.subtasks = 'Levitation': no such sub-task in config/taxonomy.yaml; known: Subject"
    ):
        plan_of(subtasks=["Levitation"])
    with pytest.raises(PlanError, match="no such sub-task"):  # and so no job begins
        check_files(parse({"propose": {"subtasks": ["Levitation"]}}))
    with pytest.raises(ValueError, match="subtasks names 'Style Transfer' more than once"):
        ProposeSettings(subtasks=("Style Transfer", "Style Transfer"))


def test_only_what_a_benchmark_may_have_is_proposed(tmp_path: Path) -> None:
    check_known(plan_of(), TAXONOMY, TASKS)
    other = tmp_path / "taxonomy.yaml"
    other.write_text((REPOSITORY / "config/taxonomy.yaml").read_text().replace("name: Scene Editing", "name: Scenery"))
    custom = {"taxonomy": str(other)}
    wrong = (
        r"config: propose\.subtasks: a benchmark cannot have 'Lens Zooming' of 'Scenery': .* has it under 'Scene Editing'; name those to"
    )
    with pytest.raises(PlanError, match=wrong):
        check_files(parse({"instruct": custom, "propose": {"subtasks": ["Counting Change", "Lens Zooming"]}}))
    check_files(parse({"instruct": custom, "propose": {"subtasks": ["Counting Change"]}}))
    check_files(parse({"instruct": custom}))  # a run that proposes nothing
    pipeline = Pipeline({"instruct": custom})
    with pytest.raises(PlanError, match="a benchmark cannot have 'Background Change' of 'Scenery'"):
        pipeline.asked_for_proposals(None)
    with pytest.raises(
        PlanError, match=r"cannot have 'Style Transfer' of 'Scene Editing': config/paper/taxonomy.csv does not have it; name"
    ):
        check_known(plan_of(), TAXONOMY, {name: task for name, task in TASKS.items() if name != "Style Transfer"})


# --- the replies


class Writer(VlmEngine):
    """Finds everything possible but Portrait Editing; says nothing of use about one picture, and gives a single reasoning point at its first try."""

    def __init__(self, useless: str = "") -> None:
        self.useless = useless
        self.requests: list[VlmRequest] = []

    def reply(self, requests: Sequence[VlmRequest], arrived: Arrived = unheard) -> list[VlmReply]:
        self.requests += requests
        return [VlmReply(self._text(one), "writer-1") for one in requests]

    def _text(self, request: VlmRequest) -> str:
        return (
            "no"
            if request.key == self.useless
            else json.dumps({"instructions": [_entry(request, name) for name in request.details["asked"]]})
        )


def _entry(request: VlmRequest, name: str) -> dict[str, Any]:
    if name == "Portrait Editing":
        return {"subtask": name, "possible": False, "needs": "a face", "en": "", "cn": "", "reasoning_points": []}
    points = ["It shows.", "It fits."][: 1 + request.attempt] if TAXONOMY.reasons(name) else []
    text = {"en": f"Do {name} to {request.key}.", "cn": f"对{request.key}做{name}。"}
    return {"subtask": name, "possible": True, "needs": "", **text, "reasoning_points": points}


def proposed(
    library: Tables, monkeypatch: pytest.MonkeyPatch, writer: Writer, pictures: int = 1000, **settings: Any
) -> tuple[ProposePlan, Path]:
    """The table of the stage."""
    monkeypatch.setattr(writing, "open_writer", lambda *_: writer)
    plan = plan_of(**settings)
    results = library[0][1].parents[1]
    chosen = drawn(library, pictures, seed=plan.settings.seed)
    stage = ProposeStage(results / "ingest", chosen, plan, InstructSettings(), TAXONOMY, "recipe-1")
    return plan, run_stage(stage, results.parent)


def test_a_picture_is_asked_once_for_all_of_its_plan(library: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer()
    plan, table = proposed(library, monkeypatch, writer)
    first = [one for one in writer.requests if one.attempt == 0]
    assert len(first) == 38 and counts_of(table)["rows"] == 38 * 5
    again = [one for one in writer.requests if one.attempt == 1]
    assert {one.key for one in again} == {one.key for one in first if any(map(TAXONOMY.reasons, plan.plan(one.key).asked))}
    assert all("1 reasoning points, 2 to 6 are allowed" in str(one.refused) for one in again)
    for one in first:
        plain = not any(map(TAXONOMY.reasons, one.details["asked"]))
        assert (
            all(f". {name} (" in one.prompt for name in one.details["asked"]) and ('Leave "reasoning_points" empty.' in one.prompt) == plain
        )
        assert one.images == (png(picture(int(one.key, 16), (32, 24))),), "its own picture, from its own shard"
    rows = rows_of(table)
    assert {row["shard"] for row in rows if int(row["image"], 16) >= EACH} == {"00001"}
    assert {row["reason"] for row in rows if row["status"] == "rejected"} == {"impossible: a face"}


def test_more_pictures_ask_nothing_of_those_already_asked(library: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Writer(), Writer()
    proposed(library, monkeypatch, first, pictures=20)
    proposed(library, monkeypatch, second, pictures=30, asks=3)
    assert len({one.key for one in second.requests}) == 10 and not {one.key for one in second.requests} & {
        one.key for one in first.requests
    }


def test_too_many_or_too_few_points_are_refused(library: Tables) -> None:
    plan = plan_of()
    stage = ProposeStage(library[0][1].parent, [], plan, InstructSettings(), TAXONOMY, "recipe-1")
    key = next(key_of(number) for number in range(99) if any(map(TAXONOMY.reasons, plan.plan(key_of(number)).asked)))
    asked = plan.plan(key)
    for points in (1, 2, 6, 7):
        values = [_entry(VlmRequest(key, "", (), {}, details={}), name) for name in asked.asked]
        for one in values:
            one["reasoning_points"] = ["It shows."] * points if TAXONOMY.reasons(one["subtask"]) else []
        text = json.dumps({"instructions": values})
        if 2 <= points <= 6:
            assert stage.answer(text, asked).keys() == set(asked.asked)
        else:
            with pytest.raises(ReplyError, match=f"{points} reasoning points, 2 to 6 are allowed"):
                stage.answer(text, asked)


# --- what is taken


def proposal(image: str, subtask: str, text: str = "") -> Proposal:
    text = text or f"{image} {subtask}"
    return {"key": f"{image}-{subtask}", "image": image, "subtask": subtask, "status": "ok", "reason": None, "instruction_en": text}


def taken(rows: list[Proposal], **settings: Any) -> dict[str, str]:
    """Why each is not taken, by key; "" for those that are."""
    return {
        one["key"]: (one["reason"] or "").split(":")[0]
        for one in take(rows, plan_of(subtasks=["Style Transfer", "Lens Zooming"], **settings))
    }


def test_the_rare_subtask_gets_its_pictures_and_none_is_used_too_often() -> None:
    rows = [proposal(image, "Style Transfer") for image in "abcd"] + [proposal("a", "Lens Zooming")]
    found = taken(rows, per_subtask=3, oversample=1)
    assert found == {**{f"{image}-Style Transfer": "" for image in "bcd"}, "a-Style Transfer": "surplus", "a-Lens Zooming": ""}
    assert taken(rows, per_subtask=4, oversample=1)["a-Style Transfer"] == "used"
    assert not any(taken(rows, per_subtask=4, oversample=1, per_picture=2).values())


@pytest.mark.parametrize("seed", range(5))
def test_a_subtask_gives_up_a_picture_where_it_has_another(seed: int) -> None:
    # whatever is taken first, each can have one: Lens Zooming only of b
    rows = [proposal("a", "Style Transfer"), proposal("b", "Style Transfer"), proposal("b", "Lens Zooming")]
    found = taken(rows, per_subtask=1, oversample=1, seed=seed)
    assert (found["b-Lens Zooming"], found["a-Style Transfer"], found["b-Style Transfer"]) == ("", "", "surplus")


def test_scarce_pictures_are_shared_out_evenly() -> None:
    rows = [proposal(f"{number}", subtask) for number in range(9) for subtask in ("Style Transfer", "Lens Zooming")]
    rows += [proposal("x", "Style Transfer")]
    counted = Counter(key.partition("-")[2] for key, why in taken(rows, per_subtask=9, oversample=1).items() if not why)
    assert counted == {"Style Transfer": 5, "Lens Zooming": 5}


def test_the_same_words_are_taken_only_where_nothing_else_is_left() -> None:
    rows = [proposal(image, "Style Transfer", "Make it a sketch!") for image in "abc"] + [
        proposal("d", "Style Transfer", "make it: a SKETCH"),
        proposal("e", "Style Transfer"),
    ]
    for seed in range(4):
        two = [key[0] for key, why in taken(rows, per_subtask=2, oversample=1, seed=seed).items() if not why]
        assert "e" in two and len(two) == 2
    assert not any(taken(rows, per_subtask=5, oversample=1).values())


def test_records_are_made_and_every_proposal_is_told_of(library: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    results = library[0][1].parents[1]
    settings: dict[str, Any] = {"per_subtask": 4, "oversample": 1.5, "per_picture": 2, "asked": 7}
    plan, asked = proposed(library, monkeypatch, Writer(useless=key_of(7)), **settings)
    table, status = gather(results, asked, plan, simulated=False)
    every = pq.read_table(table).to_pylist()
    assert [row["key"] for row in every] == [row["key"] for row in rows_of(asked)] and sum(status.values()) == len(every) == 37 * 7 + 1
    records = {row["key"]: row for row in pq.read_table(results / "proposals/records.parquet").to_pylist()}
    assert records.keys() == {row["key"] for row in every if row["status"] == "ok"}
    assert max(Counter(row["picture"] for row in records.values()).values()) == 2
    for row in records.values():
        assert row["image"] == png(picture(int(row["picture"], 16), (32, 24))) and (row["width"], row["image_width"]) == (64, 32)

    with (results / "tables/proposals.csv").open() as stream:
        lines = {
            line["subtask"]: {name: int(value) for name, value in line.items() if name != "subtask"} for line in csv.DictReader(stream)
        }
    assert list(lines) == TAXONOMY.names
    assert lines["Portrait Editing"]["short"] == 4 and lines["Portrait Editing"]["proposed"] == 0 < lines["Portrait Editing"]["impossible"]
    failed = plan.plan(key_of(7)).asked
    for name, line in lines.items():
        assert line["asked"] == sum(line[why] for why in ("proposed", "impossible", "unanswered", "duplicate", "used", "surplus", "failed"))
        assert line["failed"] == (name in failed) and line["wanted"] == 6 and line["target"] == 4
    page = (results / "tables/proposals.md").read_text()
    few = min(line["proposed"] for name, line in lines.items() if name != "Portrait Editing")
    assert (few, max(line["proposed"] for line in lines.values())) == (3, 4), "76 uses of pictures for 21 sub-tasks, evenly"
    assert (
        "Portrait Editing (0)" in page.split("**Short of the target**: ")[1].splitlines()[0] and "no reply that could be used: 1." in page
    )
    assert f"{len(records)} records of 22 sub-tasks" in page and "38 pictures were asked" in page and "Simulated" not in page

    jsonl = jsonl_of(str(results / "proposals" / "benchmark"))
    found = read_jsonl(jsonl)
    check_records([one for one in found if one.subtask == "Lens Zooming"], "mine", TASKS, 1, lines["Lens Zooming"]["proposed"])
    settings = {"judges": [{"name": "judge", "engine": "openai", "openai": {"model": "m"}}]}
    samples = list(file_samples(found, jsonl, BenchmarkSettings(source="files", path=str(jsonl), **settings)))
    assert [one.record.key for one in samples] == list(records) and all(one.image.size == (32, 24) for one in samples)

    before = {path: path.read_bytes() for path in (results / "proposals").rglob("*") if path.is_file()}
    gather(results, asked, plan, simulated=False)
    assert before == {path: path.read_bytes() for path in (results / "proposals").rglob("*") if path.is_file()}, (
        "made again, it is the same"
    )
