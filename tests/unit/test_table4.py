"""Table 4: what it says beside the figures, of judges that agree, repeat, fail, or only measure."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unicedit.errors import PipelineError
from unicedit.judge.schema import JUDGE
from unicedit.scoring.schema import METRICS
from unicedit.tables.table4 import reported, table4

PAPER = Path(__file__).resolve().parents[2] / "config/paper/table4_unicbench.csv"
SUBTASKS = {"Style Transfer": "Scene Editing", "Relation Change": "Reasoning Editing"}
MODELS = {"good": 8.0, "bad": 3.0}
BASE = {"tables": {"confidence": 0.95}, "languages": ["en"], "source": "files"}
REAL = {"paper": None, "run": True, "engine": "diffusers"}


def rows(judge: str, repeats: int = 1, shift: float = 0.0, failing: float = 0.0, engine: str = "openai") -> list[dict[str, Any]]:
    """Judgements of two models on 2 x 12 samples; a share of them has failed."""
    random = np.random.default_rng(len(judge))
    found = []
    for model, level in MODELS.items():
        for number in range(24):
            subtask = list(SUBTASKS)[number // 12]
            for metric in METRICS[: 4 if subtask == "Relation Change" else 3]:
                for repeat in range(repeats):
                    base = {
                        "model": model,
                        "judge": judge,
                        "key": f"k{number}",
                        "source": f"p{number}",
                        "task": SUBTASKS[subtask],
                        "subtask": subtask,
                    }
                    lost = random.random() < failing
                    score = float(np.clip(np.round(level + number % 3 - 1 + shift + random.normal(0, 0.5)), 0, 10))
                    outcome = (
                        {"status": "failed", "reason": "reply: no JSON"}
                        if lost
                        else {"status": "ok", "score": score, "snapshot": f"{judge}-0414"}
                    )
                    prompt = None if engine == "measured" else f"{metric}-prompt"
                    found.append({**base, "language": "en", "metric": metric, "repeat": repeat, "prompt": prompt, **outcome})
    return found


def made(
    folder: Path, judgements: list[list[dict[str, Any]]], judges: list[dict[str, str]], models: list[dict[str, Any]], **values: Any
) -> str:
    tables = []
    for number, one in enumerate(judgements):
        tables.append(folder / f"judged-{number}.parquet")
        pq.write_table(pa.Table.from_pylist(one, schema=JUDGE), tables[-1])
    table4(folder, tables, PAPER, {**BASE, "judges": judges, "models": models, **values})
    return (folder / "tables/table4.md").read_text(encoding="utf-8")


def cells(page: str, model: str) -> list[str]:
    return [cell.strip() for line in page.splitlines() if line.startswith(f"| {model} |") for cell in line.strip("|").split("|")]


def test_judges_stand_beside_each_other_with_agreement_repeats_and_failures(tmp_path: Path) -> None:
    judges = [{"name": "one", "engine": "openai", "mode": "itemised"}, {"name": "second", "engine": "vllm", "mode": "holistic"}]
    models = [{"name": "good", **REAL, "paper": "BAGEL"}, {"name": "bad", **REAL}, {"name": "away", **REAL, "run": False}]
    page = made(tmp_path, [rows("one", repeats=3, failing=0.1), rows("second", shift=-1)], judges, models)
    assert page.startswith("# Table 4: scores of editing models, 0 to 10\n") and "Simulated" not in page
    assert (
        "judge **one** (openai, one-0414, itemised), prompt digest `" in page and "judge **second** (vllm, second-0414, holistic)" in page
    )
    assert "## Agreement of the judges" in page and "## From run to run" in page and "## What failed" in page
    assert "good and bad (en, one) differ by more than noise" in page
    first = cells(page, "good")
    assert first[8:13] == ["7.25", "8.20", "7.14", "5.26", "6.98"], "the paper's BAGEL stands in its row"
    assert cells(page, "BAGEL") == [] and cells(page, "away")[1] == "not run" and cells(page, "GPT-Image-1")[1] == "not run"
    n = int(first[7].split(" of ")[0])
    assert first[7].endswith(" of 24") and 0 < n <= 24
    with (tmp_path / "tables/table4.csv").open() as stream:
        long = {(line["row"], line["metric"], line["source"]): line for line in csv.DictReader(stream)}
    assert float(long["all models, en", "Overall, alpha", "all judges"]["value"]) > 0.7
    assert float(long["good, en", "IF, sd of a sample over 3 repeats", "measured by one"]["value"]) > 0
    assert ("good, en", "IF, sd of a sample over 3 repeats", "measured by second") not in long, "a judge with one run has no spread"
    low, seen, high = (
        float(long["good, en", metric, "measured by one"]["value"])
        for metric in ("Overall, missing as 0", "Overall", "Overall, missing as 10")
    )
    assert low < seen and low < high


def test_reported_figures_are_the_papers_and_never_out_of_range(tmp_path: Path) -> None:
    found = {(one.row, one.metric): one.value for one in reported(PAPER)}
    assert found["GPT-Image-1, cn", "Overall"] == 8.4506 and len(found) == 21 * 5
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("model,language,if,nc,vq,ra,overall\nA,en,11,1,1,1,1\n")
    with pytest.raises(PipelineError, match=r"A, en: IF is 11\.0; 0 to 10 is allowed"):
        reported(wrong)


def test_what_is_measured_from_the_truth_is_called_so(tmp_path: Path) -> None:
    judges = [{"name": "measured", "engine": "measured", "mode": "itemised"}]
    models = [{"name": name, **REAL, "engine": "simulated"} for name in MODELS]
    page = made(tmp_path, [rows("measured", engine="measured")], judges, models, source="world")
    subtasks = (tmp_path / "tables/table4_subtasks.md").read_text()
    for text in (page, subtasks):
        assert ", in the simulated world, measured from its truth" in text.splitlines()[0]
        assert "**Simulated** here: the samples; the models good, bad; the scores of measured." in text and "no judge" in text
    assert [line.split("|")[1].strip() for line in subtasks.splitlines() if line.startswith("| ")][2:] == [
        "**Scene Editing**", "Style Transfer", "**Reasoning Editing**", "Relation Change",
    ]  # fmt: skip


def test_model_whose_every_reply_failed_is_not_called_not_run(tmp_path: Path) -> None:
    judges = [{"name": "one", "engine": "openai", "mode": "itemised"}]
    page = made(tmp_path, [rows("one", failing=1.1)], judges, [{"name": name, **REAL} for name in MODELS])
    good = cells(page, "good")
    assert good[5] == "–" and good[6] == "0.00" and good[7] == "0 of 24"


def test_equal_rows_give_equal_files(tmp_path: Path) -> None:
    judges, models = [{"name": "one", "engine": "openai", "mode": "itemised"}], [{"name": name, **REAL} for name in MODELS]
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
    made(tmp_path / "a", [rows("one")], judges, models)
    made(tmp_path / "b", [list(reversed(rows("one")[:40])), rows("one")[40:]], judges, models)
    names = [path.name for path in (tmp_path / "a/tables").iterdir()]
    assert len(names) == 6
    for name in ("table4.csv", "table4.md", "table4.png"):
        assert (tmp_path / "a/tables" / name).read_bytes() == (tmp_path / "b/tables" / name).read_bytes(), name
