"""Finished pictures in a folder, taken as edits."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from small_tables import key_of, picture, png, rows_of, run_stage, write_sources, write_table
from unicedit.config.edit import EditSettings
from unicedit.edit.engines import open_editor
from unicedit.edit.stage import EditStage
from unicedit.map.compute import EngineError
from unicedit.recipes import edit_recipes
from unicedit.schema import INSTRUCT


def settings_of(folder: Path, **settings: Any) -> EditSettings:
    return EditSettings.model_validate({"editors": [{"name": "theirs", "engine": "images", "images": {"folder": str(folder), **settings}}]})


def made(folder: Path, pictures: Path, **settings: Any) -> list[dict[str, Any]]:
    """The rows of six instructions, two a picture."""
    ingest, _ = write_sources(folder, 3)
    instruct = folder / "instruct" / "00000.parquet"
    rows = [
        {
            "key": f"{key_of(number)}-{slot:02d}",
            "image": key_of(number),
            "slot": slot,
            "subtask": ["Style Transfer", "Shape-Size Alteration"][slot],
        }
        for number in range(3)
        for slot in range(2)
    ]
    write_table(instruct, INSTRUCT, [{**row, "instruction_en": "Mirror it.", "instruction_cn": "镜像。"} for row in rows])
    edit = settings_of(pictures, **settings)
    return rows_of(run_stage(EditStage(ingest, instruct, edit, edit_recipes(edit)), folder))


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_both_layouts_are_read_and_what_is_missing_says_so(tmp_path: Path) -> None:
    first = f"{key_of(0)}-00"
    put(tmp_path / "plain" / f"{first}.png", png(picture(7, (100, 80))))
    row, *others = made(tmp_path / "a", tmp_path / "plain")
    assert (row["status"], row["edit_width"], row["edit_height"]) == ("ok", 100, 80), "in the size that it has"
    assert [(other["status"], other["reason"]) for other in others] == [
        ("failed", f"missing: {other['instruction']}.png") for other in others
    ]
    model = tmp_path / "model"
    put(model / "Style_Transfer" / "cn" / f"{first}.png", png(picture(7)))
    put(model / "Shape-Size_Alteration" / "en" / f"{key_of(0)}-01.png", png(picture(8)))
    row, *others = made(tmp_path / "b", model, layout="unicbench", language="cn")
    assert row["status"] == "ok" and len(others) == 5
    assert others[0]["reason"] == f"missing: Shape-Size_Alteration/cn/{key_of(0)}-01.png"


def test_a_picture_that_came_or_changed_is_read_again_and_no_other(tmp_path: Path) -> None:
    pictures = tmp_path / "plain"
    for slot in range(2):
        put(pictures / f"{key_of(1)}-{slot:02d}.png", png(picture(slot)))
    before = {row["instruction"]: row for row in made(tmp_path, pictures)}
    put(pictures / f"{key_of(1)}-00.png", png(picture(9)))
    put(pictures / f"{key_of(2)}-00.png", png(picture(5)))
    after = {row["instruction"]: row for row in made(tmp_path, pictures)}
    changed = {key for key in after if after[key]["inputs"] != before[key]["inputs"]}
    assert changed == {f"{key_of(1)}-00", f"{key_of(2)}-00"}
    assert (
        after[f"{key_of(2)}-00"]["status"] == "ok" and after[f"{key_of(1)}-00"]["edit_digest"] != before[f"{key_of(1)}-00"]["edit_digest"]
    )


def test_no_file_outside_the_folder_and_no_hostile_one_is_read(tmp_path: Path) -> None:
    pictures, names = tmp_path / "plain", [f"{key_of(number)}-{slot:02d}.png" for number in range(3) for slot in range(2)]
    pictures.mkdir()
    put(tmp_path / "secret.png", png(picture(1)))
    (pictures / names[0]).symlink_to(tmp_path / "secret.png")
    put(pictures / names[1], b"no picture at all")
    put(pictures / names[2], png(picture(1))[:-40])
    put(pictures / names[3], png(Image.new("RGB", (3000, 1500))))
    put(pictures / names[4], b"\0" * 1_100_000)
    (pictures / names[5]).mkdir()
    reasons = [row["reason"].split(":")[0] for row in made(tmp_path, pictures, max_file_mb=1.0, max_megapixels=4.0)]
    assert reasons == ["not_inside", "not_an_image", "truncated", "too_many_pixels", "too_large", "missing"]
    finished: Any = open_editor(settings_of(pictures, layout="unicbench").editors[0])
    assert finished.digest("../../secret", "..") == "not_inside: ../en/../../secret.png leads out of the folder"


def test_a_folder_that_is_not_there_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"images\.folder = .*: no such folder"):
        made(tmp_path, tmp_path / "absent")
