"""The three model stages with the simulated engines, over pictures of the simulated world and over a user's photographs."""

from pathlib import Path

import pytest
from PIL import Image

from small_tables import picture, rows_of, run_stage, write_sources
from unicedit.config.edit import EditSettings
from unicedit.config.instruct import InstructSettings
from unicedit.config.verify import VerifySettings
from unicedit.edit.stage import EditStage
from unicedit.instruct.stage import InstructStage
from unicedit.pictures import decoded
from unicedit.recipes import edit_recipes, instruct_recipe, verify_recipe
from unicedit.taxonomy import load
from unicedit.verify.stage import VerifyStage
from unicedit.world.library import encoded

TAXONOMY = load(Path(__file__).parents[2] / "config" / "taxonomy.yaml")


def of_the_world(number: int) -> Image.Image:
    return decoded(encoded(f"world:1/{number:05d}"))


def a_photograph(number: int) -> Image.Image:
    return picture(number, (192, 160))


def run_all(folder: Path, world: bool, batch_size: int) -> list[Path]:
    """The instruct, edit and verify tables of four pictures."""
    name, draw = ("world:1/{:05d}", of_the_world) if world else ("holiday/{}.png", a_photograph)
    ingest, prefilter = write_sources(folder, 4, name=name, draw=draw)
    writer, editors, verifier = (
        InstructSettings(batch_size=batch_size),
        EditSettings(batch_size=batch_size),
        VerifySettings(engine="simulated", batch_size=batch_size),
    )
    instruct = run_stage(InstructStage(ingest, prefilter, writer, TAXONOMY, instruct_recipe(writer)), folder)
    edit = run_stage(EditStage(ingest, instruct, editors, edit_recipes(editors)), folder)
    verify = run_stage(VerifyStage(ingest, instruct, edit, verifier, editors, verify_recipe(verifier, editors)), folder)
    return [instruct, edit, verify]


@pytest.mark.parametrize("world", [True, False], ids=["world", "photographs"])
def test_stages_fit_together_and_no_row_is_lost(tmp_path: Path, world: bool) -> None:
    instruct, edit, verify = (rows_of(path) for path in run_all(tmp_path, world, 8))
    assert {row["status"] for row in instruct} <= {"ok", "rejected"}
    assert [row["instruction"] for row in edit] == [row["key"] for row in instruct if row["status"] == "ok"]
    assert [row["key"] for row in verify] == [row["key"] for row in edit if row["status"] == "ok"]
    assert len(edit) >= 12 and {row["status"] for row in edit} == {"ok"}
    draw = of_the_world if world else a_photograph
    for row in edit:
        assert decoded(row["edit_image"]).size == draw(int(row["image"], 16)).size
    assert {row["status"] for row in verify} <= {"ok", "rejected"} and any(row["status"] == "ok" for row in verify)
    assert all(row["prompt_en"] and row["prompt_cn"] for row in verify if row["status"] == "ok")


def test_batches_change_no_byte(tmp_path: Path) -> None:
    one, many = run_all(tmp_path / "one", True, 1), run_all(tmp_path / "many", True, 16)
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in many]


def test_recipes_hold_what_decides_a_value_and_nothing_else() -> None:
    from unicedit.recipe import recipe_modules

    written = recipe_modules("instruct", ["unicedit.world.instructor"])
    assert {"unicedit.instruct.prompt", "unicedit.instruct.reply", "unicedit.vlm.ask", "unicedit.world.instructor"} <= set(written)
    plumbing = (
        "unicedit.map.",
        "unicedit.config.",
        "unicedit.instruct.plan",
        "unicedit.lookup",
        "unicedit.world.editor",
        "unicedit.verify",
    )
    assert not [name for name in written if name.startswith(plumbing)]
    assert "unicedit.verify.reader" not in recipe_modules("verify", ["unicedit.verify.ssim"])


def test_a_setting_changes_the_recipes_of_the_rows_it_decides() -> None:
    plain = EditSettings()
    first, second = plain.editors
    louder = second.model_copy(update={"simulated": second.simulated.model_copy(update={"flicker": 9.0}), "share": 3.0})
    changed = plain.model_copy(update={"editors": (first, louder), "batch_size": 3})
    before, after = edit_recipes(plain), edit_recipes(changed)
    assert before["simulated-a"] == after["simulated-a"] and before["simulated-b"] != after["simulated-b"]
    strict, loose = (VerifySettings(engine="ssim", ssim={"threshold": value}) for value in (0.9, 0.99))  # type: ignore[arg-type]
    assert verify_recipe(strict, plain) == verify_recipe(loose, changed)
    assert instruct_recipe(InstructSettings()) == instruct_recipe(InstructSettings(pass_rates={"Lens Zooming": 0.5}, batch_size=2))
    assert instruct_recipe(InstructSettings()) != instruct_recipe(InstructSettings(simulated={"malformed": 0.5}))  # type: ignore[arg-type]
