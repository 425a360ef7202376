"""Training samples of a run's own edits: a teacher's answers, mistaken texts by a language model, groups of near duplicates kept together."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from small_tables import counts_of, key_of, rows_of, run_stage, write_sources, write_table
from unicedit.config.edit import EditSettings
from unicedit.config.instruct import InstructSettings
from unicedit.config.samples import DisturbanceShares, KindShares, RunSampleSettings, SamplesSettings
from unicedit.config.verify import SimulatedVerifierSettings, VerifySettings
from unicedit.edit.stage import EditStage
from unicedit.instruct.stage import InstructStage
from unicedit.parquet import writer
from unicedit.pictures import decoded
from unicedit.recipes import edit_recipes, instruct_recipe, verify_recipe
from unicedit.schema import DUPLICATES, VERIFY
from unicedit.taxonomy import load
from unicedit.training import run_samples
from unicedit.training.hallucinate import GoodEdit, hallucinate
from unicedit.training.kinds import Told
from unicedit.training.run_samples import RunSamples, Tables
from unicedit.training.sample_stage import SampleStage
from unicedit.training.schema import D2PO, FAILED_EDIT, HALLUCINATION, KINDS, NO_EDIT, NORMAL, SFT, TEST, TRAIN, VALIDATION
from unicedit.training.splits import Groups, purpose_of, split_of
from unicedit.verify.stage import VerifyStage
from unicedit.vlm.port import Arrived, VlmEngine, VlmReply, VlmRequest, unheard
from unicedit.world.library import encoded

TAXONOMY = load(Path(__file__).parents[2] / "config" / "taxonomy.yaml")
PICTURES = 6
QUIET = DisturbanceShares(none=1, flicker=0, recompression=0, shift=0)


def of_the_world(number: int) -> Image.Image:
    return decoded(encoded(f"world:1/{number:05d}"))


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """A run of six simulated pictures, its verifier a teacher without error; pictures 1 and 2 are near duplicates of picture 0."""
    folder = tmp_path_factory.mktemp("run")
    ingest, prefilter = write_sources(folder, PICTURES, name="world:1/{:05d}", draw=of_the_world)
    instructor, editors = InstructSettings(), EditSettings()
    teacher = VerifySettings(engine="simulated", simulated=SimulatedVerifierSettings(miss=0, false_alarm=0, misstate=0))
    instruct = run_stage(InstructStage(ingest, prefilter, instructor, TAXONOMY, instruct_recipe(instructor)), folder)
    edit = run_stage(EditStage(ingest, instruct, editors, edit_recipes(editors)), folder)
    verify = run_stage(VerifyStage(ingest, instruct, edit, teacher, editors, verify_recipe(teacher, editors)), folder)
    duplicates = folder / "duplicates" / "0000.parquet"
    rows = [
        {"shard": "00000", "source": f"world:1/{number:05d}", "key": key_of(number), "phash": "0" * 16, "phash_mirror": "0" * 16}
        | ({"duplicate_of": key_of(0), "kind": "near"} if number in (1, 2) else {})
        for number in range(PICTURES)
    ]
    duplicates.parent.mkdir()
    import pyarrow as pa

    with writer(duplicates, DUPLICATES) as out:
        out.write_table(pa.Table.from_pylist(rows, schema=DUPLICATES), row_group_size=8)
    return Tables(ingest, instruct, edit, verify, duplicates)


def settings(disturbances: DisturbanceShares = QUIET, **values: Any) -> SamplesSettings:
    run = RunSampleSettings(**{"teacher": "teacher", "validation": 0.2, "test": 0.2, "d2po": 0.5, **values})
    return SamplesSettings(source="run", run=run, disturbances=disturbances)


def samples(tables: Tables, chosen: SamplesSettings, folder: Path) -> list[dict[str, Any]]:
    table = run_stage(SampleStage(RunSamples(tables, chosen, "recipe"), 8), folder)
    rows = rows_of(table)
    assert counts_of(table)["rows_in"] == len(rows)
    return rows


@pytest.fixture(scope="module")
def plain(tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The samples of the usual settings."""
    return samples(tables, settings(), tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def with_failed(tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The same with failed edits."""
    return samples(tables, settings(failed=True), tmp_path_factory.mktemp("failed"))


class Scripted(VlmEngine):
    """An engine that gives prepared replies, one function a question."""

    def __init__(self, reply: Callable[[VlmRequest], str]) -> None:
        self.asked: list[VlmRequest] = []
        self._reply = reply

    def reply(self, requests: Sequence[VlmRequest], arrived: Arrived = unheard) -> list[VlmReply]:
        self.asked += requests
        return [VlmReply(self._reply(request), "scripted-1") for request in requests]


def said(**changes: Any) -> str:
    return json.dumps({"en": "Paint it green.", "cn": "把它涂成绿色。", "differences": ["It is green."], **changes}, ensure_ascii=False)


def good_edit(key: str = "a") -> GoodEdit:
    provenance = Any
    return GoodEdit(key, b"source", b"edit", Told("Paint it red.", "把它涂成红色。", ("It is red.",)), provenance)  # type: ignore[arg-type]


def test_every_edit_becomes_a_row_and_answers_are_the_teachers(tables: Tables, plain: list[dict[str, Any]]) -> None:
    rows = plain
    edits = [row for row in rows_of(tables.edit) if row["status"] == "ok"]
    verdicts = {row["key"]: row for row in rows_of(tables.teacher)}
    assert [row["key"] for row in rows] == [row["key"] for row in edits]
    reasons = Counter((row["reason"] or "").split(":")[0] for row in rows if row["status"] != "ok")
    assert set(reasons) <= {"failed_edit"}
    for row in rows:
        verdict = verdicts[row["key"]]
        if row["status"] != "ok":
            assert verdict["is_changed"] is False and verdict["differences"] and row["kind"] == FAILED_EDIT
            continue
        assert row["is_changed"] == (row["kind"] in (NORMAL, HALLUCINATION))
        if row["is_changed"]:
            assert verdict["is_changed"]
            assert (row["true_en"], row["true_cn"], row["differences"]) == (
                verdict["prompt_en"], verdict["prompt_cn"], verdict["differences"],
            )  # fmt: skip
        else:
            assert (row["true_en"], row["differences"]) == (None, [])
            assert np.abs(np.asarray(decoded(row["source_image"]), int) - np.asarray(decoded(row["edit_image"]), int)).mean() < 4
    assert {row["kind"] for row in rows if row["status"] == "ok"} == {NORMAL, NO_EDIT, HALLUCINATION}


def test_mistaken_texts_come_from_the_engine(plain: list[dict[str, Any]]) -> None:
    rows = [row for row in plain if row["status"] == "ok"]
    for row in rows:
        if row["kind"] == HALLUCINATION:
            assert row["given_en"] == row["rejected_en"] != row["true_en"]
            assert row["writer"] == "simulated-hallucinator-1"
        elif row["kind"] == NORMAL:
            assert row["given_en"] == row["true_en"] != row["rejected_en"]
            assert (row["rejected_en"] is None) == (row["purpose"] != D2PO)
        else:
            assert row["rejected_en"] == row["given_en"]
    assert not [row for row in rows if row["purpose"] == SFT and row["kind"] == HALLUCINATION]


def test_failed_edits_are_samples_where_the_settings_say_so(with_failed: list[dict[str, Any]]) -> None:
    rows = [row for row in with_failed if row["kind"] == FAILED_EDIT]
    assert rows
    for row in rows:
        assert row["status"] == "ok" and row["differences"] and not row["is_changed"] and row["true_en"] is None


def test_disturbances_come_over_every_kind(tables: Tables, with_failed: list[dict[str, Any]], tmp_path: Path) -> None:
    quiet = {row["key"]: row for row in with_failed}
    shift = DisturbanceShares(none=0, flicker=0, recompression=0, shift=1)
    rows = samples(tables, settings(shift, failed=True), tmp_path)
    assert {row["kind"] for row in rows} == set(KINDS)
    for row in rows:
        assert row["disturbance"] == "shift"
        assert row["edit_image"] != quiet[row["key"]]["edit_image"]
        assert row["source_image"] == quiet[row["key"]]["source_image"]


def test_near_duplicates_share_group_and_split(tables: Tables, plain: list[dict[str, Any]]) -> None:
    groups = Groups(tables.duplicates)
    assert [groups.of(key_of(number)) for number in (0, 1, 2, 3)] == [key_of(0), key_of(0), key_of(0), key_of(3)]
    with pytest.raises(KeyError, match="no row has the key"):
        groups.of(key_of(77))
    rows = plain
    found: dict[str, set[str]] = {}
    for row in rows:
        assert row["group"] == (key_of(0) if row["source"] in ("world:1/00001", "world:1/00002") else row["key"][:20])
        found.setdefault(row["group"], set()).add(row["split"])
    assert all(len(splits) == 1 for splits in found.values())


def test_groups_fall_into_splits_by_name_and_in_proportion() -> None:
    run = RunSampleSettings(teacher="teacher", validation=0.1, test=0.2, d2po=0.25)
    names = [key_of(number) for number in range(4000)]
    splits = {name: split_of(name, run, 1) for name in names}
    counts = Counter(splits.values())
    for split, share in ((TEST, 0.2), (VALIDATION, 0.1), (TRAIN, 0.7)):
        assert abs(counts[split] - share * len(names)) < 4 * (len(names) * share * (1 - share)) ** 0.5
    assert Counter(purpose_of(name, run, 1) for name in names)[D2PO] == pytest.approx(1000, abs=110)
    assert splits != {name: split_of(name, run, 2) for name in names}
    more = run.model_copy(update={"validation": 0.15})
    moved = {(splits[name], split_of(name, more, 1)) for name in names if splits[name] != split_of(name, more, 1)}
    assert moved == {(TRAIN, VALIDATION)}, "more validation takes from training alone"


def test_share_draws_the_same_edits_whatever_else_is_set(tables: Tables, plain: list[dict[str, Any]], tmp_path: Path) -> None:
    whole = {row["key"] for row in plain}
    half = {row["key"] for row in samples(tables, settings(share=0.5), tmp_path / "half")}
    more = {row["key"] for row in samples(tables, settings(share=0.8, d2po=0.1), tmp_path / "more")}
    assert half < more < whole


def test_edits_without_a_usable_verdict_are_rejected_with_the_reason(tables: Tables, tmp_path: Path) -> None:
    rows = rows_of(tables.teacher)
    kept = [row for row in rows if row["is_changed"]][:6]
    teacher = tmp_path / "teacher.parquet"
    changes = [{}, {}, {"status": "failed", "reason": "reply: none", "is_changed": None}, {"source_caption": None, "score": 0.5}, {}, {}]
    write_table(teacher, VERIFY, [{**row, **change} for row, change in zip(kept[:6], changes, strict=True)])
    made = {row["key"]: row for row in samples(replace(tables, teacher=teacher), settings(), tmp_path)}
    assert len(made) == len(rows)
    assert made[kept[2]["key"]]["reason"] == "no_verdict: the teacher failed"
    assert made[kept[3]["key"]]["reason"] == "no_captions: the teacher measures and does not read"
    assert made[kept[0]["key"]]["status"] == "ok"
    absent = [row for key, row in made.items() if key not in {one["key"] for one in kept}]
    assert {(row["status"], row["reason"]) for row in absent} == {("rejected", "no_verdict: the teacher has no row")}


def test_a_reply_that_does_not_fit_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = {0: "no JSON", 1: said(en="Paint it red!", cn="涂成绿色。"), 2: said(cn="no Chinese"), 3: said()}
    engine = Scripted(lambda request: bad[request.attempt])
    ((mistake, writer),) = hallucinate(engine, [good_edit()], 4)  # type: ignore[misc]
    assert (mistake.en, mistake.differences, writer) == ("Paint it green.", ("It is green.",), "scripted-1")
    assert [request.attempt for request in engine.asked] == [0, 1, 2, 3]
    assert engine.asked[0].images == (b"source", b"edit")
    assert "Paint it red." in engine.asked[0].prompt
    assert set(engine.asked[0].schema["properties"]) == {"en", "cn", "differences"}  # type: ignore[index]


def test_a_text_that_never_fits_is_a_failed_row(tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Scripted(lambda request: said(en=request.details["true_en"]))
    monkeypatch.setattr(run_samples, "open_writer", lambda _: engine)
    only = settings(
        pair_shares=KindShares(normal=0, no_edit=0, hallucination=1), sft_shares=KindShares(normal=0, no_edit=0, hallucination=1)
    )
    rows = samples(tables, only, tmp_path)
    failed = [row for row in rows if row["kind"] == HALLUCINATION]
    assert failed and {row["status"] for row in failed} == {"failed"}
    assert {row["reason"] for row in failed} == {"reply: the instruction is the true one (3 attempts)"}
    assert max(Counter(request.key for request in engine.asked).values()) == 3
    assert pq.read_metadata(tables.edit).num_rows == len(rows)
