"""Any dataset examined: planted faults are found, each by its check and nothing more; a clean set yields nothing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from made_audit import clean, pattern, plant, row, stored, write
from made_datasets import MADE
from unicedit.audit.audit import audit
from unicedit.audit.finding import Finding
from unicedit.audit.instructions import is_foreign
from unicedit.audit.labels import effective_number, gini, is_sentence, normal
from unicedit.audit.wishes import Limits, Wishes
from unicedit.errors import PipelineError
from unicedit.repeats import Repeats
from unicedit.taxonomy import load as load_taxonomy
from unicedit.triplets.mapping import Mapping, load

ROOT = Path(__file__).parents[2]
TAXONOMY = load_taxonomy(ROOT / "config" / "taxonomy.yaml")
OURS = load(ROOT / "config" / "datasets" / "ours.yaml")
WISHES = Wishes(TAXONOMY)


def examined(root: Path, out: Path, wishes: Wishes = WISHES, **more: Any) -> dict[str, Finding]:
    return {one.check: one for one in audit(root, OURS, out, wishes, **more)}


def test_a_clean_dataset_yields_nothing(tmp_path: Path) -> None:
    write(tmp_path / "dataset", clean(TAXONOMY))
    (tmp_path / "benchmark").mkdir()
    (tmp_path / "benchmark" / "other.png").write_bytes(stored(pattern(7777)))
    found = examined(tmp_path / "dataset", tmp_path / "audit", Wishes(TAXONOMY, benchmark=tmp_path / "benchmark"))
    assert {one.check: one.said for one in found.values() if one.verdict == "found"} == {}
    assert [one.check for one in found.values() if one.verdict == "not checked"] == ["no edit, by verifier"]
    assert all(one.count == 0 and not one.examples for one in found.values())
    assert found["balance"].figures["effective_number"] == pytest.approx(22)
    assert found["balance"].figures["gini"] == 0


def test_planted_faults_are_found_exactly(tmp_path: Path) -> None:
    rows = clean(TAXONOMY)
    expected = plant(rows, tmp_path / "benchmark")
    write(tmp_path / "dataset", rows)
    found = examined(tmp_path / "dataset", tmp_path / "audit", Wishes(TAXONOMY, benchmark=tmp_path / "benchmark"))
    named = {
        one.check: [example.split(":")[0].split(" as ")[0] for example in one.examples] for one in found.values() if one.verdict == "found"
    }
    assert named == expected
    assert {check: one.count for check, one in found.items() if one.count} == {check: len(keys) for check, keys in expected.items()}
    assert found["contamination"].figures["touched"] == 3
    assert found["unreadable pictures"].figures["kinds"] == {"edit truncated": 1, "source not_an_image": 1, "source no_picture": 1}
    assert found["no edit, by SSIM"].figures["identical"] == 1


def test_imbalance_and_missing_subtasks(tmp_path: Path) -> None:
    names = [subtask.name for task in TAXONOMY.tasks for subtask in task.subtasks]
    task_of = TAXONOMY.task_of
    labels = [names[0]] * 24 + [names[1]] * 2 + [name for name in names[2:-2] for _ in range(3)]
    write(tmp_path / "dataset", [row(number, task_of[label], label) for number, label in enumerate(labels)])
    found = examined(tmp_path / "dataset", tmp_path / "audit")
    assert found["balance"].examples == (f"{names[1]}: 2 rows",)
    assert found["missing sub-tasks"].examples == tuple(names[-2:])
    assert {check for check, one in found.items() if one.verdict == "found"} == {"balance", "missing sub-tasks"}


def test_report_says_everything_and_escapes(tmp_path: Path) -> None:
    rows = clean(TAXONOMY, each=1)
    hostile = "<script>alert(1)</script> | x"
    rows.append(row(999, "Object Editing", "Subject Addition") | {"key": hostile, "edit_subtask": "[a](http://e.vil) <b>"})
    write(tmp_path / "dataset", rows)
    found = examined(tmp_path / "dataset", tmp_path / "audit")
    assert found["label set"].examples == (hostile,)
    text = (tmp_path / "audit" / "audit.md").read_text()
    assert "<script>" not in text and "](http" not in text and "<b>" not in text
    value = json.loads((tmp_path / "audit" / "audit.json").read_text())
    assert value["rows"] == 23
    assert [one["check"] for one in value["findings"]] == list(found)
    assert all(f"| {check} |" in text for check in found)
    for name in ("balance.png", "sizes.png"):
        assert Image.open(tmp_path / "audit" / name).size[0] > 600


@pytest.mark.parametrize("name", sorted(MADE))
def test_every_mapped_dataset_is_read(name: str, tmp_path: Path) -> None:
    MADE[name](tmp_path / "dataset")
    mapping = load(ROOT / "config" / "datasets" / f"{name}.yaml")
    found = {one.check: one for one in audit(tmp_path / "dataset", mapping, tmp_path / "audit", Wishes(None))}
    assert found["schema"].verdict == "passed", found["schema"]
    assert found["unreadable pictures"].verdict == "passed", found["unreadable pictures"]
    assert found["small pictures"].count > 0
    assert found["label set"].verdict == "not checked"


def test_broken_files_and_rows_are_findings(tmp_path: Path) -> None:
    rows = clean(TAXONOMY)
    rows[3]["key"] = None
    rows[4]["edit_subtask"] = None
    root = write(tmp_path / "dataset", rows)
    (root / "data" / "part-2.parquet").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    found = examined(root, tmp_path / "audit")
    names = [example.split(": ")[0] for example in found["schema"].examples]
    assert names == ["data/part-2.parquet", "data/part-0.parquet::3", "data/part-0.parquet::4"]
    assert "no Parquet file" in found["schema"].examples[0]
    assert (found["schema"].figures["broken_files"], found["schema"].figures["broken_rows"]) == (1, 2)


def test_hostile_texts_and_paths_are_facts(tmp_path: Path) -> None:
    root = tmp_path / "dataset"
    root.mkdir()
    (tmp_path / "secret.png").write_bytes(stored(pattern(1)))
    (root / "a.png").write_bytes(stored(pattern(1)))
    (root / "b.png").write_bytes(stored(pattern(2)))
    texts = ["\ud800 lone", "nul \0 and \x1b[31m", "x" * 5000, "fine"]
    rows = [{"id": text[:30], "a": "a.png", "b": "b.png", "text": text} for text in texts]
    rows += [{"id": "out", "a": "../secret.png", "b": "b.png", "text": "t"}, {"id": 7, "a": ["a.png", "b.png"], "b": "b.png", "text": "t"}]
    (root / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "{not json\n")
    part = {"files": "*.jsonl", "format": "jsonl", "instruction": {"en": "text"}, "key": "id"}
    pictures = {"source": {"column": "a", "kind": "path"}, "edited": {"column": "b", "kind": "path"}}
    mapping = Mapping.model_validate({"name": "Hostile", "id": "h", "schema_from": "-", "parts": [part | pictures]})
    found = {one.check: one for one in audit(root, mapping, tmp_path / "audit", Wishes(None))}
    assert found["schema"].count == 1 and "not_json" in found["schema"].examples[0]
    assert "1 rows are no triplets" in found["schema"].said
    assert found["unreadable pictures"].figures["kinds"] == {"source outside": 1}
    assert found["long instructions"].count == 1
    assert "\x1b" not in (tmp_path / "audit" / "audit.md").read_text()


def test_no_file_and_no_benchmark_are_errors(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"no file of Ours \(data/\*.parquet\)"):
        examined(tmp_path, tmp_path / "audit")
    write(tmp_path / "dataset", clean(TAXONOMY, each=1)[:4])
    with pytest.raises(PipelineError, match="no picture in it; --benchmark"):
        examined(tmp_path / "dataset", tmp_path / "audit", Wishes(TAXONOMY, benchmark=tmp_path / "audit"))


def test_an_audit_that_is_killed_goes_on_and_workers_change_nothing(tmp_path: Path) -> None:
    root = write(tmp_path / "dataset", clean(TAXONOMY, each=1), files=3)

    def die(share: float, rows: int) -> None:
        if rows == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        examined(root, tmp_path / "audit", say=die)
    kept = {path.name: path.stat().st_ino for path in (tmp_path / "audit" / "facts").glob("*.parquet")}
    assert len(kept) == 1
    shares: list[float] = []
    examined(root, tmp_path / "audit", say=lambda share, _: shares.append(share))
    files = {path.name: path.stat().st_ino for path in (tmp_path / "audit" / "facts").glob("*.parquet")}
    assert len(files) == 3 and kept.items() <= files.items()
    assert len(shares) == 14 and shares == sorted(shares) and shares[-1] == pytest.approx(1)
    examined(root, tmp_path / "again", workers=2)
    for path in (tmp_path / "audit").rglob("*.*"):
        if path.is_file():
            assert (tmp_path / "again" / path.relative_to(tmp_path / "audit")).read_bytes() == path.read_bytes(), path.name


def test_strict_leaves_with_1_where_faults_were_found(tmp_path: Path) -> None:
    rows = clean(TAXONOMY, each=1)
    rows[1]["key"] = rows[0]["key"]
    root = write(tmp_path / "dataset", rows)
    command = [sys.executable, "workflow/scripts/audit.py", str(root), "--out", str(tmp_path / "audit"), "--workers", "1", "--strict"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "found        duplicate keys" in done.stdout


@pytest.mark.parametrize(
    ("text", "language", "foreign"),
    [
        ("Make the sky blue.", "en", False),
        ("Change the sign to “你好世界，欢迎光临”", "en", False),
        ("把天空变蓝", "en", True),
        ("Сделай небо синим", "en", True),
        ("把招牌改成\"HELLO\"", "cn", False),
        ("Make it \"你好\"", "cn", True),
        ("风格改为 cyberpunk neon style", "cn", False),
        ("42", "en", False),
    ],
)  # fmt: skip
def test_language_is_told_by_script(text: str, language: str, foreign: bool) -> None:
    assert is_foreign(text, language) == foreign


def test_labels() -> None:
    assert normal("Background_Change") == normal(" background change") == normal("Background-Change")
    assert not any(is_sentence(name) for name in TAXONOMY.names)
    assert is_sentence("Change the colour of the car to red and add snow")
    assert is_sentence("make it red.")
    assert is_sentence("把天空变成蓝色。")
    assert not is_sentence("颜色更改")


def test_measures_of_balance() -> None:
    assert effective_number([5, 5, 5, 0]) == pytest.approx(3)
    assert effective_number([100, 1]) < 1.1
    assert gini([3, 3, 3]) == pytest.approx(0)
    assert gini([0, 0, 0, 9]) == pytest.approx(0.75)


def test_repeats_are_exact() -> None:
    texts = [f"text {number % 700}" for number in range(1000)]
    repeats = Repeats()
    repeats.add(texts)
    assert repeats.distinct() == 700
    assert repeats.counted(texts) == {f"text {number}": 2 for number in range(300)}
    assert Repeats().counted([]) == {}


def test_limits_are_in_the_report(tmp_path: Path) -> None:
    write(tmp_path / "dataset", clean(TAXONOMY, each=1))
    found = examined(tmp_path / "dataset", tmp_path / "audit", Wishes(TAXONOMY, Limits(min_side=100, max_similarity=0.0)))
    assert found["small pictures"].count == found["no edit, by SSIM"].count == 22
    assert len(found["small pictures"].examples) == 10
    assert "`min_side`: 100" in (tmp_path / "audit" / "audit.md").read_text()
