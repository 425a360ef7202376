"""The benchmark's reader: what is right passes, and what is wrong is told with file, row and remedy."""

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

from unicedit.benchmark.edit_stage import BenchEditStage
from unicedit.benchmark.export import export_scores
from unicedit.benchmark.files import jsonl_of, read_jsonl
from unicedit.benchmark.plan import BenchPlan, Unit, unit_of
from unicedit.benchmark.recipes import bench_edit_recipe
from unicedit.benchmark.record import BenchmarkError, Record, check_records, tasks_of
from unicedit.benchmark.records import write_records
from unicedit.config.benchmark import BenchmarkSettings, BenchModelSettings, RecordsSettings
from unicedit.config.ingest import EncodingSettings
from unicedit.config.map import MapSettings
from unicedit.config.model import parse
from unicedit.judge.schema import JUDGE
from unicedit.map.run import Places, run_map
from unicedit.scoring.schema import METRICS
from unicedit.sidecar import Identity
from unicedit.sources import Sources
from unicedit.world.benchmark import world_records
from unicedit.world.grammar import read
from unicedit.world.propose import possible
from unicedit.world.scene import scene_of

TASKS = tasks_of(Path(__file__).resolve().parents[2] / "config/paper/taxonomy.csv")
PUBLIC = Path(__file__).resolve().parents[3] / "shared/data/unicbench/test_data.jsonl"
REASONING = "Reasoning Editing"


def line(number: int, subtask: str = "Subject Addition", **values: Any) -> dict[str, Any]:
    """A right record."""
    key = f"{number:032x}"
    record = {
        "key": key,
        "task": TASKS[subtask],
        "subtask": subtask,
        "cn": "添加一只猫。",
        "en": "Add a cat.",
        "image_path": f"images/{key}.png",
    }
    record["resolution"] = [12, 8]
    return {**record, **({"reasoning_points": ["It is there."]} if TASKS[subtask] == REASONING else {}), **values}


def lines(per_subtask: int = 1) -> list[dict[str, Any]]:
    return [line(place * 100 + number, subtask) for place, subtask in enumerate(TASKS) for number in range(per_subtask)]


def clone(folder: Path, records: list[dict[str, Any]], pictures: bool = True) -> Path:
    """A folder as a clone of the dataset has it."""
    folder.mkdir(exist_ok=True)
    (folder / "test_data.jsonl").write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records), encoding="utf-8")
    (folder / "images").mkdir(exist_ok=True)
    for number, one in enumerate(records if pictures else []):
        Image.new("RGB", (12, 8), (number % 256, 0, 0)).save(folder / "images" / Path(one["image_path"]).name)
    return folder


def settings(path: Path, **values: Any) -> BenchmarkSettings:
    judges = [{"name": "judge", "engine": "openai", "openai": {"model": "m"}}]
    return BenchmarkSettings(source="files", path=str(path), per_subtask=1, judges=judges, **values)


def written(chosen: BenchmarkSettings, folder: Path) -> list[dict[str, Any]]:
    write_records(chosen, TASKS, folder / "cache", folder / "records.parquet")
    rows: list[dict[str, Any]] = pq.read_table(folder / "records.parquet").to_pylist()
    return rows


@pytest.mark.skipif(not PUBLIC.exists(), reason="the public records are not here")
def test_public_records_pass() -> None:
    records = read_jsonl(PUBLIC)
    check_records(records, "public", TASKS, 22, 50)
    assert len(records) == 1100 and sum(bool(record.reasoning_points) for record in records) == 250
    with pytest.raises(BenchmarkError, match=r"50 rows of .*, 5 are expected; .* benchmark\.per_subtask"):
        check_records(records, "public", TASKS, 22, 5)


@pytest.mark.parametrize("place", ["", "data"])
def test_clone_becomes_a_table_with_its_pictures(tmp_path: Path, place: str) -> None:
    folder = clone(tmp_path / "clone", lines())
    if place:
        (folder / place).mkdir()
        (folder / "test_data.jsonl").rename(folder / place / "test_data.jsonl")
    rows = written(settings(folder), tmp_path)
    assert [row["key"] for row in rows] == [one["key"] for one in lines()]
    assert all(bool(row["reasoning_points"]) == (row["task"] == REASONING) for row in rows)
    ((data, provenance),) = Sources(tmp_path / "records.parquet").pictures([rows[3]["key"]])
    assert Image.open(io.BytesIO(data)).getpixel((0, 0)) == (3, 0, 0) and provenance.image_width == 12
    assert len({row["picture"] for row in rows}) == len(rows)


def test_jsonl_beside_a_folder_of_images(tmp_path: Path) -> None:
    folder = clone(tmp_path / "clone", lines())
    moved = tmp_path / "records.jsonl"
    (folder / "test_data.jsonl").rename(moved)
    assert len(written(settings(moved, images=str(folder)), tmp_path)) == 22
    with pytest.raises(BenchmarkError, match=r"row 1 \(0+\): no picture .*name their folder in benchmark\.images"):
        written(settings(moved), tmp_path)


def test_hub_dataset_is_read_as_the_jsonl_is(tmp_path: Path) -> None:
    import datasets

    from unicedit.benchmark.hub import hub_samples, read_dataset

    folder = clone(tmp_path / "clone", lines())
    values = [{"reasoning_points": None, **one, "image": str(folder / one["image_path"])} for one in lines()]
    values[0].pop("image_path")  # a dataset need not have it
    found = (
        datasets.Dataset.from_list(values)
        .cast_column("image", datasets.Image(decode=True))
        .cast_column("image", datasets.Image(decode=False))
    )
    found = found.map(lambda row: {"image": {"bytes": Path(row["image"]["path"]).read_bytes(), "path": None}}, features=found.features)
    records = read_dataset(found, "there")
    check_records(records, "there", TASKS, 22, 1)
    samples = list(hub_samples(records, found, "there", settings(folder)))
    assert [sample.record.key for sample in samples] == [one["key"] for one in lines()] and samples[5].image.getpixel((0, 0)) == (5, 0, 0)


def changed(number: int, **values: Any) -> list[dict[str, Any]]:
    """Right records, one of them changed; None takes a field away."""
    records = lines()
    records[number] = {key: value for key, value in {**records[number], **values}.items() if value is not None}
    return records


REASONED = next(place for place, task in enumerate(TASKS.values()) if task == REASONING)


@pytest.mark.parametrize(
    ("records", "told"),
    [
        (lines()[:-1], r"21 sub-tasks, 22 are expected \(missing: Implicit Change Edits\).*benchmark\.subtasks"),
        ([*lines(), line(999)], r"2 rows of Subject Addition, 1 are expected"),
        (changed(2, key=lines()[0]["key"]), r"row 3 .*: the key is that of row 1 too"),
        (changed(1, subtask="Levitation"), r"row 2 .*unknown sub-task 'Levitation'; config/paper/taxonomy\.csv"),
        (changed(1, task="Scene Editing"), r"row 2 .*belongs to 'Object Editing': correct the row"),
        (changed(0, reasoning_points=["x"]), r"row 1 .*has reasoning_points, and Object Editing has none"),
        (changed(REASONED, reasoning_points=[]), rf"row {REASONED + 1} .*no reasoning_points, which every row of Reasoning Editing needs"),
        (changed(0, en=None), r"row 1: en: field required"),
        (changed(0, cn="  "), r"row 1: cn: 0 characters, 1 to 2000 are allowed"),
        (changed(0, resolution=[12]), r"row 1: resolution"),
        (changed(4, image_path="../../etc/passwd"), r"row 5: image_path: a path inside the folder"),
        (changed(4, image_path="/etc/passwd"), r"row 5: image_path: a path inside the folder"),
        (changed(4, key="../x"), r"row 5: key: string should match"),
    ],
)
def test_what_is_wrong_is_told_with_file_row_and_remedy(tmp_path: Path, records: list[dict[str, Any]], told: str) -> None:
    folder = clone(tmp_path / "clone", records, pictures=False)
    with pytest.raises(BenchmarkError, match=told) as caught:
        written(settings(folder), tmp_path)
    assert str(folder / "test_data.jsonl") in str(caught.value) and not (tmp_path / "records.parquet").exists()


def test_faults_of_the_file_itself(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"no test_data\.jsonl here, nor in data/"):
        jsonl_of(str(tmp_path))
    path = tmp_path / "test_data.jsonl"
    for content, told in (
        (b'{"key"', "row 1: no JSON"),
        (b"[1]\n", "row 1: row"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b"[" * 100_001, "this is no record"),
    ):
        path.write_bytes(content)
        with pytest.raises(BenchmarkError, match=told):
            read_jsonl(jsonl_of(str(path)))


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_picture_that_is_none_is_told(tmp_path: Path, content: bytes) -> None:
    folder = clone(tmp_path / "clone", lines())
    path = folder / lines()[7]["image_path"]
    path.write_bytes(content)
    with pytest.raises(BenchmarkError, match=rf"{path}: .*fetch the picture again"):
        written(settings(folder), tmp_path)


def test_only_the_first_faults_are_told() -> None:
    records = [Record.model_validate(line(number, task="Scene Editing")) for number in range(30)]
    with pytest.raises(BenchmarkError) as caught:
        check_records(records, "f", TASKS, 1, 30)
    assert len(str(caught.value).splitlines()) == 6 and "and 25 faults more" in str(caught.value)


def test_simulated_benchmark_is_always_the_same_and_only_grows() -> None:
    few, more = list(world_records(TASKS, 2)), list(world_records(TASKS, 3))
    assert few == list(world_records(TASKS, 2))
    assert [one for one in more if one in few] == few, "more of a sub-task come after those that fewer give"
    records = [Record.model_validate(values) for values, _ in more]
    check_records(records, "world", TASKS, 22, 3)
    assert len({name for _, name in more}) == 66, "each sample has a picture of its own"
    for record, (_, name) in zip(records, more, strict=True):
        assert read(record.en) == read(record.cn) and possible(read(record.en), scene_of(name))


def test_units_have_names_that_can_be_read_back() -> None:
    models = [{"name": "flux.1-dev"}, {"name": "a-en", "run": False}]
    judges = [{"name": "measured"}, {"name": "gpt-4.1", "engine": "openai", "openai": {"model": "m"}}]
    plan = BenchPlan(parse({"benchmark": {"models": models, "judges": judges}}))
    assert plan.units("bench_edit") == ["flux.1-dev-en", "flux.1-dev-cn"], "a model that is not run has no edits"
    assert plan.units("expect") == ["gpt-4.1@en", "gpt-4.1@cn"], "the measured judge expects nothing beforehand"
    assert Counter(unit_of(name).judge for name in plan.units("judge")) == {"measured": 2, "gpt-4.1": 2}
    assert unit_of("gpt-4.1@flux.1-dev-en") == Unit("en", "flux.1-dev", "gpt-4.1")
    assert plan.expected_of("gpt-4.1@flux.1-dev-cn") == ["gpt-4.1@cn"] and plan.expected_of("measured@flux.1-dev-cn") == []
    for stage in ("bench_edit", "expect", "judge"):
        for name in plan.units(stage):
            assert unit_of(name).name == name and plan.settings_of(stage, name)
    assert "model" not in plan.settings_of("judge", "gpt-4.1@flux.1-dev-en"), "how a model is set plans no judge again"


def judged_table(path: Path, rows: list[dict[str, Any]]) -> Path:
    import pyarrow as pa

    pq.write_table(pa.Table.from_pylist(rows, schema=JUDGE), path)
    return path


def test_export_leaves_no_sample_out_silently(tmp_path: Path) -> None:
    base = {"model": "m", "judge": "j", "task": REASONING, "subtask": "Relation Change", "language": "cn", "repeat": 0, "status": "ok"}
    whole = [
        {**base, "key": "a", "metric": metric, "score": score, "explanation": "so"}
        for metric, score in zip(METRICS, (10, 5, 8, 4), strict=True)
    ]
    broken = [{**row, "key": "b"} for row in whole]
    broken[1] |= {"score": None, "status": "failed", "reason": "reply: no JSON"}
    again = [{**row, "key": "a", "repeat": 1, "score": 1.0} for row in whole]
    texts = {key: {"en": "Swap.", "cn": "交换。"} for key in "ab"}
    assert export_scores(judged_table(tmp_path / "judged.parquet", [*whole, *broken, *again]), texts, tmp_path / "out") == (2, 1)
    folder = tmp_path / "out/m/eval_output"
    (line,) = [json.loads(text) for text in (folder / "j/Relation_Change_cn_results.jsonl").read_text(encoding="utf-8").splitlines()]
    assert line["overall_score"] == pytest.approx(1600**0.25) and line["instruction"] == "交换。" and line["if_score"] == 10
    assert line["edited_image_path"] == "m/Relation_Change/cn/a.png"
    missing = json.loads((folder / "j/Relation_Change_cn_missing.jsonl").read_text(encoding="utf-8"))
    assert missing["nc_score"] is None and missing["nc_reason"] == "missing: reply: no JSON" and missing["overall_score"] is None
    assert json.loads((folder / "j.1/Relation_Change_cn_results.jsonl").read_text(encoding="utf-8"))["overall_score"] == 1


def test_export_of_a_sample_without_reasoning_has_three_metrics(tmp_path: Path) -> None:
    base = {
        "model": "m",
        "judge": "j",
        "key": "a",
        "task": "Scene Editing",
        "subtask": "Style Transfer",
        "language": "en",
        "repeat": 0,
        "status": "ok",
    }
    rows = [{**base, "metric": metric, "score": score} for metric, score in zip(METRICS[:3], (9.0, 3.0, 1.0), strict=True)]
    export_scores(judged_table(tmp_path / "judged.parquet", rows), {"a": {"en": "Paint.", "cn": "画"}}, tmp_path)
    line = json.loads((tmp_path / "m/eval_output/j/Style_Transfer_en_results.jsonl").read_text())
    assert line["overall_score"] == pytest.approx(3) and line["ra_score"] is None and line["ra_reason"] is None


def edited(folder: Path, records: Path, model: dict[str, Any], language: str) -> dict[str, dict[str, Any]]:
    """One model's edits in one language, by sample."""
    editor = BenchModelSettings(**model)
    table = folder / "bench_edit" / f"{editor.name}-{language}.parquet"
    stage = BenchEditStage(records, language, editor, EncodingSettings(), 4, bench_edit_recipe(editor, EncodingSettings()))
    shard = f"{editor.name}-{language}"
    places = Places.of(table, table.with_name(f"{shard}.json"), folder / "scratch", "bench_edit", shard)
    run_map(stage, places, Identity("bench_edit", shard, "", "{}"), MapSettings())
    return {row["sample"]: row for row in pq.read_table(table).to_pylist()}


def test_finished_pictures_in_the_public_layout_are_benchmarked_by_language(tmp_path: Path) -> None:
    folder = clone(tmp_path / "clone", lines())
    written(settings(folder), tmp_path)
    pictures = tmp_path / "their-model"
    for number, one in enumerate(lines()):
        for language, blue in (("en", 1), ("cn", 2)):
            path = pictures / one["subtask"].replace(" ", "_") / language / f"{one['key']}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            if number != 3 or language == "en":
                Image.new("RGB", (20, 10), (number, 0, blue)).save(path)
    model = {"name": "their.model-1", "engine": "images", "images": {"folder": str(pictures), "layout": "unicbench"}}
    for language, blue in (("en", 1), ("cn", 2)):
        rows = edited(tmp_path, tmp_path / "records.parquet", model, language)
        assert [row["key"] for row in rows.values()] == [f"{one['key']}-{language}-their.model-1" for one in lines()]
        failed = [number for number, one in enumerate(lines()) if rows[one["key"]]["status"] == "failed"]
        assert failed == ([3] if language == "cn" else []), "a picture that is missing is a failed row"
        found = rows[lines()[5]["key"]]
        assert Image.open(io.BytesIO(found["edit_image"])).getpixel((0, 0)) == (5, 0, blue) and found["edit_width"] == 20


def test_names_with_dots_keep_their_finished_rows_apart(tmp_path: Path) -> None:
    folder = clone(tmp_path / "clone", lines())
    written(settings(folder), tmp_path)
    for name in ("flux.1", "flux.2"):
        edited(tmp_path, tmp_path / "records.parquet", {"name": name}, "en")
    assert sorted(path.name for path in (tmp_path / ".kept/bench_edit").glob("*.parquet")) == ["flux.1-en.parquet", "flux.2-en.parquet"]


@pytest.mark.parametrize("chosen", [{"source": "files", "path": "there"}, {"source": "hub"}])
def test_the_command_reads_the_settings_that_its_rule_gives_it(chosen: dict[str, str], tmp_path: Path) -> None:
    """They name no judge, and the default one knows the simulated world alone."""
    if "path" in chosen:
        chosen["path"] = str(clone(tmp_path / "there", lines()))
    judges = [{"name": "judge", "engine": "openai", "openai": {"model": "m"}}]
    given = BenchPlan(parse({"benchmark": {**chosen, "judges": judges}})).record_settings()["benchmark"]
    assert RecordsSettings(**given).model_dump(include=set(chosen)) == chosen
