"""Editing: editors by share, seeds from keys, whole batches, pictures kept as the editor made them."""

import pickle
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps

from small_tables import counts_of, key_of, picture, rows_of, run_stage, write_sources, write_table
from unicedit.config.edit import EditorSettings, EditSettings
from unicedit.edit import stage as edit_stage
from unicedit.edit.assign import assigned
from unicedit.edit.port import EditRequest
from unicedit.edit.seed import seed_of
from unicedit.edit.stage import EditStage
from unicedit.pictures import bytes_digest, decoded
from unicedit.recipes import edit_recipes
from unicedit.schema import INSTRUCT

RECIPES = {"simulated-a": "recipe-a", "simulated-b": "recipe-b"}
KEYS = [f"{key_of(number // 5)}-{number % 5:02d}" for number in range(4000)]


def editors(**shares: float) -> list[EditorSettings]:
    return [EditorSettings(name=name, share=share) for name, share in shares.items()]


def test_instructions_go_to_editors_by_share() -> None:
    counts = Counter(assigned(key, editors(a=1, b=2, c=5)).name for key in KEYS)
    for name, share in (("a", 1 / 8), ("b", 2 / 8), ("c", 5 / 8)):
        assert abs(counts[name] - share * len(KEYS)) < 4 * (len(KEYS) * share * (1 - share)) ** 0.5


def test_a_new_editor_moves_only_what_it_takes_over() -> None:
    before = {key: assigned(key, editors(a=1, b=1)).name for key in KEYS}
    after = {key: assigned(key, editors(a=1, b=1, c=2)).name for key in KEYS}
    assert {after[key] for key in KEYS if after[key] != before[key]} == {"c"}
    larger = {key: assigned(key, editors(b=3, a=1)).name for key in KEYS}
    assert {larger[key] for key in KEYS if larger[key] != before[key]} == {"b"}


def test_seed_depends_on_instruction_and_editor_alone() -> None:
    seeds = {seed_of(key, name) for key in KEYS for name in ("a", "b")}
    assert len(seeds) == 2 * len(KEYS)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert seed_of("0-00", "a") == 2362694670919133907  # fixed for ever: a changed seed rule would make every edit anew


def test_editor_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="editor names must be unique, and a is there more than once"):
        EditSettings(editors=editors(a=1) + editors(a=2))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="name"):
        EditorSettings(name="../a")
    with pytest.raises(ValueError, match="greater than 0"):
        EditorSettings(name="a", share=0)
    assert [editor.name for editor in EditSettings().editors] == ["simulated-a", "simulated-b"]


class Mirror:
    """A stand-in editor: mirrors; some pictures come back in another size or mode, and one instruction breaks it."""

    def __init__(self, name: str, batches: list[tuple[str, list[str]]]) -> None:
        self.name = name
        self.batches = batches

    def edit(self, requests: Sequence[EditRequest]) -> list[Image.Image]:
        self.batches.append((self.name, [request.key for request in requests]))
        if any("explode" in request.instruction_en for request in requests):
            raise ValueError("out of memory")
        return [self._one(request) for request in requests]

    def _one(self, request: EditRequest) -> Image.Image:
        edited = ImageOps.mirror(request.image)
        if "larger" in request.instruction_en:
            return edited.resize((100, 80))
        return edited.convert("RGBA") if "alpha" in request.instruction_en else edited


Batches = list[tuple[str, list[str]]]


def make(folder: Path, monkeypatch: pytest.MonkeyPatch, texts: Sequence[str] = (), **settings: Any) -> tuple[EditStage, Batches]:
    """A stage over 12 pictures with two instructions each, the second of each third picture rejected."""
    ingest, _ = write_sources(folder, 12)
    instruct = folder / "instruct" / "00000.parquet"
    rows: list[dict[str, Any]] = []
    for number in range(12):
        for slot in range(2):
            refused = {"status": "rejected", "reason": "impossible: x"} if slot and number % 3 == 0 else {}
            text = dict(enumerate(texts)).get(number, "Mirror it.") if not slot else "Mirror it."
            row = {"key": f"{key_of(number)}-{slot:02d}", "image": key_of(number), "slot": slot, "subtask": "Style Transfer"}
            rows.append({**row, "instruction_en": text, "instruction_cn": "镜像。", **refused})
    write_table(instruct, INSTRUCT, rows)
    batches: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(edit_stage, "open_editor", lambda editor, places: Mirror(editor.name, batches))
    return EditStage(ingest, instruct, EditSettings(**settings), RECIPES), batches


def test_every_instruction_is_edited_by_its_editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, _ = make(tmp_path, monkeypatch)
    rows = rows_of(run_stage(stage, tmp_path))
    assert len(rows) == 20 and {row["status"] for row in rows} == {"ok"}
    for row in rows:
        assert row["key"] == f"{row['instruction']}-{row['editor']}"
        assert row["editor"] == assigned(row["instruction"], stage.settings.editors).name
        assert row["seed"] == seed_of(row["instruction"], row["editor"])
        assert row["recipe"] == RECIPES[row["editor"]]
        assert row["edit_digest"] == bytes_digest(row["edit_image"])
        source = picture(int(row["image"], 16))
        assert decoded(row["edit_image"]).tobytes() == ImageOps.mirror(source).tobytes()
    assert [row["instruction"] for row in rows] == sorted(row["instruction"] for row in rows)


def test_each_editor_gets_its_part_of_a_batch_in_one_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, batches = make(tmp_path, monkeypatch, batch_size=10)
    rows = rows_of(run_stage(stage, tmp_path))
    expected = []
    for start in (0, 10):
        part = rows[start : start + 10]
        for name in dict.fromkeys(row["editor"] for row in part):
            expected.append((name, [row["key"] for row in part if row["editor"] == name]))
    assert batches == expected


def test_another_size_is_recorded_and_another_mode_made_rgb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, _ = make(tmp_path, monkeypatch, ["Make it larger.", "With alpha."])
    rows = {row["instruction"]: row for row in rows_of(run_stage(stage, tmp_path))}
    large, alpha = rows[f"{key_of(0)}-00"], rows[f"{key_of(1)}-00"]
    assert (large["edit_width"], large["edit_height"], large["status"]) == (100, 80, "ok")
    assert decoded(large["edit_image"]).size == (100, 80)
    assert (alpha["edit_width"], alpha["edit_height"]) == (64, 48)


def test_a_breaking_instruction_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, _ = make(tmp_path, monkeypatch, ["Mirror it.", "explode"])
    table = run_stage(stage, tmp_path)
    (failed,) = [row for row in rows_of(table) if row["status"] == "failed"]
    assert failed["instruction"] == f"{key_of(1)}-00"
    assert failed["reason"] == "error: ValueError: out of memory"
    assert failed["editor"] and failed["seed"] and failed["edit_image"] is None
    assert counts_of(table)["status"] == {"ok": 19, "rejected": 0, "failed": 1}


def test_an_editor_that_gives_too_few_pictures_fails_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, _ = make(tmp_path, monkeypatch)
    monkeypatch.setattr(Mirror, "edit", lambda self, requests: [])
    rows = rows_of(run_stage(stage, tmp_path, retries=0))
    assert {row["status"] for row in rows} == {"failed"}
    assert "gave 0 pictures for 1 instructions" in rows[0]["reason"]


def test_a_picture_beyond_all_measure_fails_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, _ = make(tmp_path, monkeypatch, ["Make it larger."])
    monkeypatch.setattr(edit_stage, "MAX_PIXELS", 5000)
    first = rows_of(run_stage(stage, tmp_path))[0]
    assert (first["status"], first["reason"]) == ("failed", "too_large: the editor gave 100 x 80 pixels")


def test_the_same_rows_whatever_the_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = []
    for name, size in (("one", 1), ("seven", 7), ("all", 64)):
        stage, _ = make(tmp_path / name, monkeypatch, ["Make it larger."], batch_size=size)
        tables.append(run_stage(stage, tmp_path / name).read_bytes())
    assert tables[0] == tables[1] == tables[2]


def test_a_new_recipe_of_one_editor_edits_only_its_own_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, _ = make(tmp_path, monkeypatch)
    mine = {row["key"] for row in rows_of(run_stage(stage, tmp_path)) if row["editor"] == "simulated-b"}
    again, batches = make(tmp_path, monkeypatch)
    again.recipes["simulated-b"] = "recipe-b2"
    run_stage(again, tmp_path)
    assert {key for _, keys in batches for key in keys} == mine and 0 < len(mine) < 20


def test_inputs_follow_the_stored_picture_and_the_instruction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = make(tmp_path / "first", monkeypatch)
    second, _ = make(tmp_path / "second", monkeypatch, ["Turn it."])
    one, two = list(first.items()), list(second.items())
    assert [item.key for item in one] == [item.key for item in two]
    assert [a.inputs == b.inputs for a, b in zip(one, two, strict=True)] == [False] + [True] * 19
    assert len({item.inputs for item in one}) == 20
    assert pickle.loads(pickle.dumps(first)).load(one[:2])[1].key == one[1].key


def test_recipes_follow_what_decides_an_edit_of_the_chosen_engine_alone() -> None:
    def recipe(engine: str = "diffusers", **changes: Any) -> str:
        diffusers = {"pipeline": "FluxKontextPipeline", "model": "a", "arguments": {"num_inference_steps": 28}}
        ark = {"model": "seededit"}
        own = (
            {"diffusers": {**diffusers, **changes}, "ark": ark}
            if engine == "diffusers"
            else {"diffusers": diffusers, "ark": {**ark, **changes}}
        )
        return edit_recipes(EditSettings.model_validate({"editors": [{"name": "a", "engine": engine, **own}]}))["a"]

    lora = {"model": "somewhere", "weight_name": "few.safetensors"}
    same = [{"model": "b"}, {"device": "cpu"}, {"batch_size": 4}, {"compile": "blocks"}, {"offload": "model"}]
    assert {recipe(**changes) for changes in same} == {recipe()}, "weights are among the rows' inputs; the others decide nothing"
    other = [{"pixels": None}, {"language": "cn"}, {"arguments": {}}, {"scheduler": {"shift": 3}}, {"cache": {}}, {"lora": lora}]
    assert len({recipe(), *(recipe(**changes) for changes in other), recipe(lora={**lora, "scale": 0.5})}) == len(other) + 2
    assert recipe(lora=lora) == recipe(lora={**lora, "model": "elsewhere"})
    assert recipe("ark") == recipe("ark", tries=2, price={"picture": 1}) != recipe("ark", watermark=True)
