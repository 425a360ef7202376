"""The taxonomy file: the paper's 22 sub-tasks, and errors that name file and entry."""

import csv
from pathlib import Path

import pytest
import yaml

from unicedit.taxonomy import TaxonomyError, load
from unicedit.vlm.reply import chinese

SHIPPED = Path(__file__).parents[2] / "config" / "taxonomy.yaml"
PAPER = {
    "Object Editing": (
        "Subject Addition, Subject Removal, Subject Replacement, Object Extraction, Portrait Editing, Counting Change, Text Modification"
    ),
    "Attribute Editing": "Color Alteration, Material Modification, Texture Editing, Shape-Size Alteration, Motion Change",
    "Scene Editing": "Background Change, Style Transfer, Tone Transformation, Viewpoint Transformation, Lens Zooming",
    "Reasoning Editing": (
        "Relation Change, Compound Operation Edits, Multi-object Coordination, Spatial Reasoning Edits, Implicit Change Edits"
    ),
}


def test_shipped_taxonomy_has_the_papers_names() -> None:
    expected = {task: names.split(", ") for task, names in PAPER.items()}
    taxonomy = load(SHIPPED)
    assert {task.name: [subtask.name for subtask in task.subtasks] for task in taxonomy.tasks} == expected
    assert len(taxonomy.names) == 22
    assert [name for name in taxonomy.names if taxonomy.reasons(name)] == expected["Reasoning Editing"]


def test_shipped_taxonomy_agrees_with_the_shared_table() -> None:
    shared = SHIPPED.parents[2] / "shared" / "data" / "paper" / "taxonomy.csv"
    if not shared.exists():
        pytest.skip("the paper's tables are not beside this checkout")
    with shared.open(encoding="utf-8") as stream:
        assert [(row["task"], row["subtask"]) for row in csv.DictReader(stream)] == [
            (task.name, subtask.name) for task in load(SHIPPED).tasks for subtask in task.subtasks
        ]


def test_every_entry_is_complete_in_both_languages() -> None:
    for subtask in load(SHIPPED).subtasks.values():
        assert chinese(subtask.name_cn)
        assert 2 <= len(subtask.examples) <= 3
        assert all(chinese(example.cn) and example.en.isascii() for example in subtask.examples), subtask.name
        assert subtask.definition.endswith(".") and subtask.impossible_when.endswith(".")


def edited(tmp_path: Path, change: object) -> Path:
    values = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    change(values)  # type: ignore[operator]
    path = tmp_path / "taxonomy.yaml"
    path.write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    return path


def test_fault_names_file_entry_and_what_is_allowed(tmp_path: Path) -> None:
    path = edited(tmp_path, lambda values: values["tasks"][2]["subtasks"][1].pop("definition"))
    with pytest.raises(TaxonomyError, match=r"taxonomy\.yaml: tasks\[Scene Editing\]\.subtasks\[Style Transfer\]\.definition: Field"):
        load(path)
    path = edited(tmp_path, lambda values: values["tasks"][0]["subtasks"][0].update(colour="red"))
    with pytest.raises(TaxonomyError, match=r"subtasks\[Subject Addition\]\.colour: Extra inputs are not permitted"):
        load(path)


def test_a_name_used_twice_is_refused(tmp_path: Path) -> None:
    path = edited(tmp_path, lambda values: values["tasks"][1]["subtasks"][0].update(name="Subject Removal"))
    with pytest.raises(TaxonomyError, match="'Subject Removal' is there more than once"):
        load(path)


@pytest.mark.parametrize("content", ["tasks: [", "", "- a\n- b\n", "tasks: {}\n", "tasks:\n - name: A\n   subtasks: none\n"])
def test_a_file_that_is_no_taxonomy_is_one_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(content)
    with pytest.raises(TaxonomyError, match=r"broken\.yaml"):
        load(path)


def test_a_missing_file_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(TaxonomyError, match="cannot be read"):
        load(tmp_path / "nothing.yaml")
