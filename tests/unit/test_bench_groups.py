"""Another benchmark in its published schema: read as its files are, and its figures by the published formulas."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from made_benchmarks import GEDIT, GEDIT_MAPPING, gedit_rows, write_gedit
from unicedit.benchmark.edit_stage import BenchEditStage
from unicedit.benchmark.mapping import BenchMapping, load_mapping
from unicedit.benchmark.plan import BenchPlan, check_groups
from unicedit.benchmark.record import BenchmarkError
from unicedit.benchmark.records import write_records
from unicedit.config.benchmark import BenchmarkSettings
from unicedit.config.edit import EditorSettings
from unicedit.config.ingest import EncodingSettings
from unicedit.config.model import parse
from unicedit.config.tables import TablesSettings
from unicedit.errors import PipelineError
from unicedit.tables.bench_groups import NAME, Compared, bench_groups
from unicedit.viescore.schema import VIESCORES


def clone(folder: Path, rows: list[dict[str, Any]], suffix: str = "arrow") -> BenchmarkSettings:
    write_gedit(folder, rows, suffix)
    judges = [{"name": "judge", "engine": "openai", "openai": {"model": "m"}}]
    return BenchmarkSettings(source="mapped", path=str(folder), mapping=str(GEDIT_MAPPING), judges=judges)


def records(folder: Path, settings: BenchmarkSettings) -> list[dict[str, Any]]:
    write_records(settings, {}, folder / "cache", folder / "records.parquet")
    found: list[dict[str, Any]] = pq.read_table(folder / "records.parquet").to_pylist()
    return found


@pytest.mark.parametrize("suffix", ["arrow", "parquet"])
def test_published_rows_become_records_of_one_language_each(tmp_path: Path, suffix: str) -> None:
    found = records(tmp_path, clone(tmp_path / "gedit", gedit_rows(), suffix))
    assert len(found) == 2 * 23 and len({row["key"] for row in found}) == 46
    first, second = found[:2]
    assert (first["key"], first["en"], first["cn"], first["subset"]) == ("000-en", "Make it red.", "", "intersection")
    assert (second["key"], second["en"], second["cn"], second["picture"]) == ("000-cn", "", "把它变红。", first["picture"])
    assert (first["task"], first["subtask"], found[2]["subset"]) == ("GEdit-Bench", "background_change", None)
    model = EditorSettings(name="m", engine="openai", openai={"model": "gpt-image-1"})
    items = list(BenchEditStage(tmp_path / "records.parquet", "cn", model, EncodingSettings(), 4, "recipe").items())
    assert len(items) == 23 and all(item.row["sample"].endswith("-cn") for item in items), "a model is asked each sample in its language"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"task_type": "magic"}, r"part-0\.arrow: row 1: task_type is 'magic', none of the mapping's groups"),
        ({"instruction_language": "fr"}, "instruction_language is 'fr'; en or cn is expected"),
        ({"instruction": "  "}, "row 1: .*0 characters, 1 to 2000 are allowed"),
        ({"key": "../../x"}, "row 1: key: String should match pattern"),
        ({"key": "same"}, "the key same-en is there twice"),
        ({"input_image_raw": None}, "row 1: no picture in the file"),
        ({"input_image_raw": {"bytes": b"no picture", "path": None}}, "row 1: not_an_image"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_row(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BenchmarkError, match=said):
        records(tmp_path, clone(tmp_path / "gedit", gedit_rows(**changes)))


def test_other_columns_and_no_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="no file of GEdit-Bench"):
        records(tmp_path, clone(tmp_path / "gedit", gedit_rows()).model_copy(update={"path": str(tmp_path / "nothing")}))
    mapping = tmp_path / "other.yaml"
    mapping.write_text(GEDIT_MAPPING.read_text().replace("group: task_type", "group: kind"))
    with pytest.raises(BenchmarkError, match="no column 'kind', but task_type"):
        records(tmp_path, clone(tmp_path / "gedit", gedit_rows()).model_copy(update={"mapping": str(mapping)}))
    with pytest.raises(BenchmarkError, match=r"other\.yaml: files\.0|other\.yaml: files: "):
        mapping.write_text(GEDIT_MAPPING.read_text().replace('"**/*.arrow"', '"../*.arrow"'))
        load_mapping(mapping)


def test_figures_are_the_published_formulas(tmp_path: Path) -> None:
    settings = clone(tmp_path / "gedit", gedit_rows())
    samples = records(tmp_path, settings)
    random = np.random.default_rng(0)
    given: dict[str, tuple[list[float], list[float]]] = {}
    rows = []
    for number, sample in enumerate(samples):
        sc, pq_scores = random.integers(1, 11, (2, 2)).astype(float).tolist()
        given[sample["key"]] = (sc, pq_scores)
        for metric, scores in (("SC", sc), ("PQ", pq_scores)):
            lost = sample["key"] == "001-en" and metric == "PQ"
            row = {"dataset": f"model-{sample['key'][-2:]}", "judge": "judge", "place": sample["key"], "metric": metric, "repeat": 0}
            outcome = {"status": "failed", "reason": "reply: nothing"} if lost else {"status": "ok", "scores": scores}
            rows.append({**row, **outcome, "item": f"{number}-{metric}-0"})
    pq.write_table(pa.Table.from_pylist(rows, schema=VIESCORES), tmp_path / "viescores.parquet")
    compared = Compared(["model"], ["en", "cn"], ["judge"])
    status = bench_groups(tmp_path, tmp_path / "records.parquet", [tmp_path / "viescores.parquet"], GEDIT, compared, TablesSettings())
    assert status == {"ok": 45, "rejected": 0, "failed": 1}
    with (tmp_path / f"tables/{NAME}.csv").open() as stream:
        figures = {(line["row"], line["metric"]): line for line in csv.DictReader(stream)}

    def expected(language: str, intersection: bool, group: str) -> tuple[float, int]:
        """O of a group as the published evaluation computes it."""
        own = [one for one in samples if one["key"].endswith(language) and one["subtask"] == group and (one["subset"] or not intersection)]
        scored = [given[one["key"]] for one in own if one["key"] != "001-en"]
        return float(np.mean([np.sqrt(min(sc) * min(pq_scores)) for sc, pq_scores in scored])), len(scored)

    for language in ("en", "cn"):
        for intersection, subset in ((False, "all"), (True, "intersection")):
            by_group = [expected(language, intersection, group) for group in GEDIT.groups]
            for group, (value, n) in zip(GEDIT.groups, by_group, strict=True):
                figure = figures[f"model, {language}, {subset}, {group}", "Overall"]
                assert float(figure["value"]) == pytest.approx(value, abs=1e-6) and int(figure["n"]) == n
            average = figures[f"model, {language}, {subset}, average", "Overall"]
            assert float(average["value"]) == pytest.approx(np.mean([value for value, _ in by_group]), abs=1e-6)
    page = (tmp_path / f"tables/{NAME}.md").read_text()
    assert "## judge, en, intersection samples" in page and "22 of 23" in page and "11 of 11" in page


def test_the_simulated_benchmark_has_no_such_groups() -> None:
    with pytest.raises(PipelineError, match=r"set benchmark\.source to `mapped`, and give benchmark\.judges one that reads pictures"):
        check_groups(BenchPlan(parse({})).groups_settings())


def test_a_mapping_says_where_its_schema_was_looked_up() -> None:
    assert isinstance(GEDIT, BenchMapping) and len(GEDIT.groups) == 11 and "Step1X-Edit" in GEDIT.schema_from
