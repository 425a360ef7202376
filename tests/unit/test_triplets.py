"""Triplets of other datasets: mappings, the draw, and what cannot be read."""

import csv
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from made_datasets import MADE, ROWS, picture
from unicedit.errors import PipelineError
from unicedit.triplets.draw import Drawn, draw
from unicedit.triplets.limits import Limits
from unicedit.triplets.mapping import Mapping, MappingError, load

ROOT = Path(__file__).parents[2]
MAPPINGS = ROOT / "config" / "datasets"
ROWS_OF = {"seed_data_edit": 2 * ROWS, "gpt_image_edit": 2 * ROWS, "nano_consistent": ROWS // 2}
TASKS = {"x2edit": "颜色更改", "nhr_edit": "add", "nano_consistent": "ic", "unicedit_10m": "Object Editing", "ours": "Object Editing"}


def drawn(root: Path, mapping: Mapping, n: int = 100, seed: int = 0, limits: Limits | None = None) -> list[Drawn]:
    return list(draw(root, mapping, n, seed, limits or Limits()))


def test_every_row_of_table_2_has_a_mapping() -> None:
    with (ROOT / "config" / "paper" / "table2_dataset_quality.csv").open(newline="") as stream:
        printed = {row["dataset"] for row in csv.DictReader(stream)}
    assert {load(path).name for path in MAPPINGS.glob("*.yaml")} == printed | {"Ours"}
    assert {path.stem for path in MAPPINGS.glob("*.yaml")} == set(MADE)


@pytest.mark.parametrize("name", MADE)
def test_published_schema_is_read(name: str, tmp_path: Path) -> None:
    MADE[name](tmp_path)
    rows = drawn(tmp_path, load(MAPPINGS / f"{name}.yaml"))
    fine = [row for row in rows if row.status == "ok"]
    assert len(fine) == ROWS_OF.get(name, ROWS), rows
    assert {row.status for row in rows} == ({"ok", "rejected"} if name == "nano_consistent" else {"ok"})
    assert sorted(row.position for row in rows) == list(range(len(rows)))
    assert len({row.place for row in rows}) == len(rows)
    for row in fine:
        assert row.source and row.edited and row.instruction_en
        number = int(row.instruction_en.split()[-1])
        colours = [Image.open(io.BytesIO(content)).convert("RGB").getpixel((3, 3)) for content in (row.source, row.edited)]
        for colour, of in zip(colours, (2 * number, 2 * number + 1), strict=True):
            assert all(abs(a - b) <= 4 for a, b in zip(colour, (of * 7 % 256, of * 31 % 256, 90), strict=True))
        if name in TASKS:
            assert row.task == TASKS[name]
    if name in ("unicedit_10m", "ours"):
        assert fine[0].instruction_cn == str(fine[0].instruction_en).replace("remove", "移除")
        assert (fine[0].subtask, str(fine[0].key)[0]) == ("Object Removal", "k")


def test_sample_is_decided_by_the_seed(tmp_path: Path) -> None:
    MADE["gpt_image_edit"](tmp_path)
    mapping = load(MAPPINGS / "gpt_image_edit.yaml")
    first, again, other = (drawn(tmp_path, mapping, 5, seed) for seed in (1, 1, 2))
    assert first == again
    assert {row.place for row in first} != {row.place for row in other}
    larger = {row.position: row.place for row in drawn(tmp_path, mapping, 8, 1)}
    assert {row.position: row.place for row in first} == {number: larger[number] for number in range(5)}


def test_rows_that_are_no_triplets_are_replaced_and_counted(tmp_path: Path) -> None:
    MADE["nano_consistent"](tmp_path)
    for seed in range(5):
        rows = drawn(tmp_path, load(MAPPINGS / "nano_consistent.yaml"), 2, seed)
        assert sum(row.status == "ok" for row in rows) == 2
        assert all(row.reason == "not_a_triplet: input_images holds 2 pictures" for row in rows if row.status == "rejected")


def test_broken_rows_count_and_say_why(tmp_path: Path) -> None:
    MADE["nhr_edit"](tmp_path)
    path = tmp_path / "train" / "metadata.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    images = tmp_path / "train" / "images" / "00"
    (images / "image_1_edited_0.jpg").write_bytes(picture(1)[:40])
    (images / "image_2_edited_0.jpg").unlink()
    rows[3]["edit_instruction"] = " "
    rows[4]["source_file_name"] = "../../../etc/passwd"
    rows[5]["source_file_name"] = 7
    lines = [json.dumps(row) for row in rows] + ["{", '"text"', json.dumps({"x": "y" * (1 << 20)})]
    path.write_text("\n".join(lines) + "\n")
    reasons = {
        int(row.place.split("::")[1]): row.reason for row in drawn(tmp_path, load(MAPPINGS / "nhr_edit.yaml")) if row.status == "failed"
    }
    kinds = {number: str(reason).split(":")[0] for number, reason in reasons.items()}
    assert kinds[1] in ("truncated", "decode_error", "not_an_image")
    assert {number: kinds[number] for number in range(2, 9)} == {
        2: "unreadable",
        3: "no_instruction",
        4: "outside",
        5: "no_picture",
        6: "not_json",
        7: "not_an_object",
        8: "too_large",
    }


def test_pictures_are_limited(tmp_path: Path) -> None:
    MADE["imgedit"](tmp_path)
    mapping = load(MAPPINGS / "imgedit.yaml")
    assert {row.reason for row in drawn(tmp_path, mapping, limits=Limits(max_megapixels=1e-4))} == {
        "too_many_pixels: 24 x 16 > 0.0001 megapixels"
    }
    assert all(str(row.reason).startswith("too_large") for row in drawn(tmp_path, mapping, limits=Limits(max_file_mb=1e-5)))
    (tmp_path / "x").mkdir()
    MADE["x2edit"](tmp_path / "x")
    assert all(
        str(row.reason).startswith("too_large")
        for row in drawn(tmp_path / "x", load(MAPPINGS / "x2edit.yaml"), limits=Limits(max_file_mb=1e-5))
    )


def test_incomplete_sample_of_a_tar_fails_alone(tmp_path: Path) -> None:
    MADE["x2edit"](tmp_path)
    (path,) = tmp_path.rglob("*.tar")
    with tarfile.open(path) as old, tarfile.open(tmp_path / "X2Edit_data" / "new.tar", "w") as new:
        for member in old:
            if member.name != "000000002.2.jpg":
                new.addfile(member, old.extractfile(member))
    path.unlink()
    failed = [row for row in drawn(tmp_path, load(MAPPINGS / "x2edit.yaml")) if row.status != "ok"]
    assert [(row.status, row.reason, row.instruction_en) for row in failed] == [("failed", "no_picture: 2.jpg holds none", "change 2")]
    (tmp_path / "X2Edit_data" / "cut.tar").write_bytes(b"no tar at all" * 100)
    with pytest.raises(PipelineError, match=r"cut\.tar: not a whole tar"):
        drawn(tmp_path, load(MAPPINGS / "x2edit.yaml"))


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        (
            "imgedit",
            lambda table: table.rename_columns(["before", "output_images", "prompt"]),
            "no column 'input_images', it has before, output_images, prompt",
        ),
        (
            "imgedit",
            lambda table: table.set_column(0, "input_images", pa.array([[b"x"]] * ROWS)),
            "no picture of kind path: set kind to bytes",
        ),
        (
            "ours",
            lambda table: table.set_column(table.schema.get_field_index("src_image"), "src_image", pa.array(["x"] * ROWS)),
            "kind struct: set kind to path",
        ),
    ],
)
def test_a_table_that_changed_is_named(name: str, damage: Any, message: str, tmp_path: Path) -> None:
    MADE[name](tmp_path)
    path = min(tmp_path.rglob("*.parquet"))
    pq.write_table(damage(pq.read_table(path)), path)
    with pytest.raises(PipelineError, match=f"{path.name}: .*{message}"):
        drawn(tmp_path, load(MAPPINGS / f"{name}.yaml"))


def test_other_files_than_expected_are_named(tmp_path: Path) -> None:
    mapping = load(MAPPINGS / "gpt_image_edit.yaml")
    with pytest.raises(PipelineError, match=r"no file of GPT-Image-Edit-1\.5M .*--root is the folder"):
        drawn(tmp_path, mapping)
    path = tmp_path / "hqedit" / "edit" / "metadata" / "a.json"
    path.parent.mkdir(parents=True)
    for content, message in (
        ("version https://git-lfs.github.com/spec/v1", "not a Git LFS pointer"),
        ('{"a": 1}', "no array of rows"),
        ("[]", "have no row"),
        ('[{"id": 1}]', "no column 'input', it has id"),
    ):
        path.write_text(content)
        with pytest.raises(PipelineError, match=message):
            drawn(tmp_path, mapping)
    (tmp_path / "json").mkdir()
    (tmp_path / "json" / "a.jsonl").write_text('{"instruction": "x"}\n')
    with pytest.raises(PipelineError, match="no column 'input_images', it has instruction"):
        drawn(tmp_path, load(MAPPINGS / "nano_consistent.yaml"))
    (tmp_path / "Parquet").mkdir()
    (tmp_path / "Parquet" / "a.parquet").write_text("version https://git-lfs.github.com/spec/v1")
    with pytest.raises(PipelineError, match=r"a\.parquet: no Parquet file"):
        drawn(tmp_path, load(MAPPINGS / "imgedit.yaml"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"parts": []}, "parts: Tuple should have at least 1 item"),
        ({"nam": "x"}, "nam: Extra inputs"),
        ({"part": {"files": "/data/*.parquet"}}, r"parts\.0: files .*leads out of the dataset"),
        ({"part": {"files": "../*.parquet"}}, r"parts\.0: files .*leads out of the dataset"),
        ({"part": {"instruction": {}}}, r"parts\.0\.instruction: name the column"),
        ({"part": {"format": "arrow"}}, r"parts\.0\.format: Input should be"),
        ({"part": {"source": {"column": "a", "kind": "member"}}}, r"parts\.0: source\.kind member is of format webdataset only"),
        ({"part": {"format": "jsonl"}}, r"parts\.0: source\.kind struct is of format parquet only"),
        ({"part": {"edited": {"column": "a", "kind": "bytes", "folder": "x"}}}, r"parts\.0\.edited: kind bytes has no path"),
        ({"part": {"edited": {"column": "a", "kind": "path", "folder": "/x"}}}, r"parts\.0\.edited: folder .*begins with a slash"),
    ],
)
def test_wrong_mappings_are_named(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    values = yaml.safe_load((MAPPINGS / "ours.yaml").read_text())
    values["parts"][0].update(change.pop("part", {}))
    (tmp_path / "m.yaml").write_text(yaml.safe_dump({**values, **change}))
    with pytest.raises(MappingError, match=rf"m\.yaml: {message}"):
        load(tmp_path / "m.yaml")


def test_mapping_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"cannot be read .*config/datasets"):
        load(tmp_path / "none.yaml")
    (tmp_path / "m.yaml").write_text("a: [")
    with pytest.raises(MappingError, match="not valid YAML"):
        load(tmp_path / "m.yaml")


def test_command_writes_a_sample(tmp_path: Path) -> None:
    MADE["nano_consistent"](tmp_path / "data")
    out = tmp_path / "sample.parquet"
    command = [
        sys.executable,
        ROOT / "workflow/scripts/triplets.py",
        "--mapping",
        MAPPINGS / "nano_consistent.yaml",
        "--root",
        tmp_path / "data",
        *("--shard", "nano", "--table", out, "--seal", out.with_suffix(".json"), "--settings", '{"samples": 3}'),
    ]
    subprocess.run(command, check=True)
    first = out.read_bytes()
    rows = pq.read_table(out).to_pylist()
    assert [row["status"] for row in rows].count("ok") == 3
    assert all((row["source_image"] is not None) == (row["status"] == "ok") for row in rows)
    assert json.loads(out.with_suffix(".json").read_text())["status"]["ok"] == 3
    subprocess.run(command, check=True)
    assert out.read_bytes() == first
