"""The commands of Table 5 and of the curves, as the rules call them."""

import json
import sys
from pathlib import Path
from types import ModuleType

import pyarrow.parquet as pq
import pytest

import filter_curve as curve_command
import ssim_claim as claim_command
import table5 as table_command
import table5_data as data_command
import table5_settings as settings_command
import table5_tune as tune_command
from made_evaluations import evaluations
from made_tables import shard_tables
from made_tones import picture, sample, samples_table
from unicedit.evaluation.evaluate import evaluate, write
from unicedit.evaluation.rows import MAIN
from unicedit.tables.table5_measured import evaluation_path

SKILL = {"normal": 0.8, "no_edit": 0.9, "hallucination": 0.5, "failed": 0.9}
TABLES = {"tables": {}, "simulated": True}


def call(monkeypatch: pytest.MonkeyPatch, command: ModuleType, *words: object) -> None:
    monkeypatch.setattr(sys, "argv", [f"{command.__name__}.py", *map(str, words)])
    command.main()


@pytest.mark.parametrize("name", ["table5", "table5_full", "table5_search"])
def test_each_table_takes_its_rows_and_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    seeds = [MAIN] if name == "table5" else ["0", "1"]
    evaluations(tmp_path, {"base": SKILL, "d2po": SKILL, "sft": SKILL}, seeds, samples=8)
    seals = []
    for variant, seed in (("base", "0"), ("d2po", seeds[-1])):
        path = evaluation_path(tmp_path, variant, seed, "informed", "test")
        seals.append(path.with_suffix(".json"))
        seals[-1].write_text(json.dumps({"sha256": variant}))
    settings = json.dumps(
        {**TABLES, "table5": {"rows": ["base", "d2po"], "full_rows": ["base", "d2po"], "search_rows": ["base", "sft"], "seeds": 2}}
    )
    seal = tmp_path / "tables" / f"{name}.json"
    words = [] if name == "table5" else ["--name", name]
    call(monkeypatch, table_command, "--results", tmp_path, "--seal", seal, "--settings", settings, "--inputs", *seals, *words)
    text = (tmp_path / "tables" / f"{name}.md").read_text()
    assert ("| + SFT |" in text) == (name == "table5_search")
    assert ("learning rate" in text) == (name != "table5")
    value = json.loads(seal.read_text())
    assert value["stage"] == name and sorted(value["inputs"].values()) == ["base", "d2po"]


def test_a_rate_is_chosen_and_goes_into_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = []
    for number, skill in enumerate((0.9, 0.1)):
        evaluations(tmp_path, {"sft": dict.fromkeys(SKILL, skill)}, [f"trial-{number}"], samples=8, split="validation")
        paths.append(evaluation_path(tmp_path, "sft", f"trial-{number}", "informed", "validation"))
    chosen = tmp_path / "chosen.json"
    call(monkeypatch, tune_command, "--evaluations", *paths, "--factors", 2.0, 1.0, "--out", chosen)
    settings = json.dumps({"sft": {"learning_rate": 0.001, "seed": 3}, "verifier": {"base": "b"}})
    call(monkeypatch, settings_command, "--settings", settings, "--chosen", chosen)
    assert json.loads(capsys.readouterr().out) == {"sft": {"learning_rate": 0.002, "seed": 3}, "verifier": {"base": "b"}}
    call(monkeypatch, settings_command, "--settings", settings)
    assert json.loads(capsys.readouterr().out) == json.loads(settings)


def test_samples_are_joined_with_a_sidecar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [samples_table(tmp_path / f"{kind}.parquet", [sample(0, kind)]) for kind in ("normal", "hallucination")]
    call(monkeypatch, data_command, "--tables", *tables, "--out", tmp_path / "both.parquet", "--seal", tmp_path / "both.json")
    assert pq.read_table(tmp_path / "both.parquet")["kind"].to_pylist() == ["normal", "hallucination"]
    assert json.loads((tmp_path / "both.json").read_text())["rows"] == 2


def validation(tmp_path: Path) -> Path:
    """SSIM's evaluation of a validation split, with its sidecar."""
    rows = [sample(number, "no_edit", edit_image=picture(number, 1)) for number in range(3)]
    data = samples_table(tmp_path / "validation.parquet", [*rows, *(sample(number, "normal") for number in range(3))])
    found, _ = evaluate(data, "ssim", None, "short")
    write(found, tmp_path / "ssim-validation.parquet")
    (tmp_path / "ssim-validation.json").write_text(json.dumps({"sha256": "v"}))
    return tmp_path / "ssim-validation.parquet"


def test_the_filter_curve_takes_its_threshold_from_validation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = tmp_path / "results"
    shard_tables(results, images=24)
    (results / "index").mkdir()
    (results / "index" / "shards.json").write_text(json.dumps({"generations": [["00000"]]}))
    settings = json.dumps({**TABLES, "verifier": "ssim"})
    seal = results / "tables" / "filter_curve.json"
    words = ["--results", results, "--seal", seal, "--settings", settings, "--ssim-validation", validation(tmp_path)]
    call(monkeypatch, curve_command, *words)
    text = (results / "tables" / "filter_curve.csv").read_text()
    assert "ssim,chosen_threshold,-0." in text
    assert json.loads(seal.read_text())["inputs"]["../../ssim-validation.json"] == "v"


def test_the_ssim_claim_is_measured_without_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = samples_table(tmp_path / "test.parquet", [sample(number, "normal") for number in range(4)])
    settings = json.dumps({**TABLES, "verifier": {}, "table5": {"claim": {"pictures": 4, "strengths": [0, 4]}}})
    seal = tmp_path / "tables" / "ssim_claim.json"
    words = ["--results", tmp_path, "--seal", seal, "--settings", settings, "--data", data, "--validation", validation(tmp_path)]
    call(monkeypatch, claim_command, *words)
    rows = (tmp_path / "tables" / "ssim_claim.csv").read_text().splitlines()
    assert any(row.startswith("ssim_claim,flicker 4,ssim_error,") for row in rows)
