"""Table 5's trainings and evaluations: what each is made of, and how a learning rate is chosen."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest

from made_evaluations import evaluations
from made_tones import sample, samples_table
from unicedit.config.d2po import D2poSettings
from unicedit.config.launch import LaunchSettings
from unicedit.config.sft import SftSettings
from unicedit.config.table5 import Table5Settings
from unicedit.config.verifier import VerifierSettings
from unicedit.config.verify import TransformersSettings, VerifySettings
from unicedit.errors import PipelineError
from unicedit.evaluation.grid import Grid
from unicedit.evaluation.rows import COMPARED, READINGS, ROWS, UNTRAINED
from unicedit.evaluation.tuning import joined, points_of, tune
from unicedit.evaluation.variants import VARIANTS, best_factor, trained_variants, training_settings, with_rate
from unicedit.tables.table5_measured import evaluation_path

MAIN = {stage: (f"r/verifier/{stage}/model", f"seals/{stage}.json") for stage in ("sft", "d2po")}


def grid(tmp_path: Path, verify: VerifySettings | None = None, **table: Any) -> Grid:
    config = SimpleNamespace(
        verifier=VerifierSettings(base=str(tmp_path)),
        sft=SftSettings(steps=300, epochs=None),
        d2po=D2poSettings(steps=100, epochs=None),
        table5=Table5Settings(**table),
        verify=verify or VerifySettings(engine="transformers"),
        launch=LaunchSettings(),
        paths=SimpleNamespace(scratch="scratch"),
    )
    return Grid("r", config, lambda stage: f"seals/{stage}.json")


def card(variant: str, run: str = "0", reading: str = "informed", split: str = "test") -> SimpleNamespace:
    return SimpleNamespace(variant=variant, run=run, reading=reading, split=split)


def test_every_row_names_a_model_and_a_way_of_reading_there_is() -> None:
    assert {row.variant for row in ROWS.values()} <= {*VARIANTS, *UNTRAINED}
    assert {row.reading for row in ROWS.values()} == set(READINGS)
    assert len({row.label for row in ROWS.values()}) == len(ROWS)
    assert {name for pair in COMPARED for name in pair} <= set(ROWS)
    assert set(trained_variants(list(ROWS))) == set(VARIANTS)
    assert trained_variants(["no_cv"]) == ["d2po_no_cv", "sft_no_cv"]
    assert trained_variants(["base", "ssim"]) == []


def test_controls_differ_in_what_they_control_and_in_nothing_else(tmp_path: Path) -> None:
    values = grid(tmp_path).values

    def changed(variant: str, parent: str) -> dict[str, Any]:
        ours, theirs = (training_settings(one, "2", values) for one in (variant, parent))
        assert set(ours) == set(theirs)
        return {f"{section}.{key}": value for section in ours for key, value in ours[section].items() if theirs[section][key] != value}

    assert changed("control", "d2po") == {"d2po.losses": {"sft": 1.0}}
    assert changed("d2po_sigmoid", "d2po") == {"d2po.losses": {"sigmoid": 1.0}, "d2po.learning_rate": pytest.approx(1e-5)}
    assert changed("d2po_no_cv", "d2po") == {"verifier.differential": "none"}
    assert changed("sft_no_cv", "sft") == {"verifier.differential": "none"}
    assert changed("d2po_withheld", "d2po") == {"d2po.withheld": 0.3}
    assert changed("d2po_claimed", "d2po") == {"d2po.unchanged": 0.0}
    assert changed("control_withheld", "control") == {"d2po.withheld": 0.3}
    assert changed("d2po_300", "d2po") == {"d2po.steps": 300}
    assert changed("control_300", "d2po_300") == {"d2po.losses": {"sft": 1.0}}
    assert changed("sft_hallucination", "sft") == {"sft.kinds": ["normal", "no_edit", "hallucination"], "sft.steps": 400}
    for variant in VARIANTS:  # what is made is what the stages' own classes take
        section = training_settings(variant, "4", values)[VARIANTS[variant].stage]
        made = (SftSettings if VARIANTS[variant].stage == "sft" else D2poSettings)(**section)
        assert made.seed == 4


def test_trials_try_every_rate_with_one_seed(tmp_path: Path) -> None:
    values = grid(tmp_path, rate_factors=[0.5, 2.0]).values
    rates = [training_settings("sft", f"trial-{number}", values)["sft"] for number in range(2)]
    base = values["sft"]["learning_rate"]
    assert [rate["learning_rate"] for rate in rates] == [0.5 * base, 2 * base]
    assert {rate["seed"] for rate in rates} == {0}
    assert training_settings("sft", "1", values)["sft"]["learning_rate"] == base
    assert with_rate(training_settings("sft", "1", values), 2.0)["sft"] == rates[1] | {"seed": 1}
    alone = grid(tmp_path, rate_factors=[2.0]).values
    assert training_settings("sft", "1", alone)["sft"]["learning_rate"] == 2 * base


def test_trainings_of_unknown_length_cannot_be_equal(tmp_path: Path) -> None:
    values = grid(tmp_path).values
    values["d2po"]["steps"] = None
    with pytest.raises(PipelineError, match=r"d2po\.steps"):
        training_settings("sft_hallucination", "0", values)


def test_the_best_rate_is_chosen_on_validation(tmp_path: Path) -> None:
    assert best_factor([5.0, 7.0, 6.0], [0.5, 1.0, 2.0]) == 1.0
    assert best_factor([7.0, 5.0, 7.0], [0.5, 1.0, 2.0]) == 0.5  # as near to 1, and smaller
    assert best_factor([7.0, 7.0, 7.0], [0.5, 1.0, 2.0]) == 1.0
    with pytest.raises(ValueError, match="trials"):
        best_factor([1.0], [1.0, 2.0])
    paths = []
    for number, skill in enumerate((0.2, 0.9)):
        kinds = {"normal": skill, "no_edit": skill, "hallucination": skill, "failed": 0.0}
        evaluations(tmp_path, {"sft": kinds}, [f"trial-{number}"], split="validation")
        paths.append(evaluation_path(tmp_path, "sft", f"trial-{number}", "informed", "validation"))
    rows = pq.read_table(paths[1]).to_pylist()
    means = [sum(row["points"] for row in rows if row["kind"] == kind) / 60 for kind in ("normal", "no_edit", "hallucination")]
    assert points_of(paths[1]) == pytest.approx(sum(means) / 3)
    tune(paths, [0.5, 2.0], tmp_path / "chosen.json")
    chosen = json.loads((tmp_path / "chosen.json").read_text())
    assert chosen["factor"] == 2.0
    assert [one["factor"] for one in chosen["tried"]] == [0.5, 2.0]


def test_a_validation_split_without_a_kind_chooses_nothing(tmp_path: Path) -> None:
    from unicedit.evaluation.evaluate import write

    write([{"kind": "normal", "points": 10.0, "status": "ok"}], tmp_path / "e.parquet")
    with pytest.raises(PipelineError, match="no_edit"):
        points_of(tmp_path / "e.parquet")


def test_samples_are_joined_in_order(tmp_path: Path) -> None:
    tables = [
        samples_table(tmp_path / f"{start}.parquet", [sample(number, "normal") for number in range(start, start + 3)]) for start in (0, 3)
    ]
    assert joined(tables, tmp_path / "both.parquet") == 6
    assert pq.read_table(tmp_path / "both.parquet")["key"].to_pylist() == [f"normal-{number:03d}" for number in range(6)]


def trained_before(made: Grid, variant: str, run: str) -> Iterator[str]:
    """Every training that one waits for, by its model's folder."""
    wanted = card(variant, run)
    for folder in made.parent(wanted):
        yield folder
        if folder not in {model for model, _ in MAIN.values()}:
            parts = Path(folder).parts
            yield from trained_before(made, parts[-3], parts[-2])
    yield from made.chosen(wanted)


def test_trainings_wait_for_what_they_start_from(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    made = grid(tmp_path)
    weights = str(tmp_path / "model.safetensors")
    assert (made.parent(card("sft")), made.parent_seal(card("sft")), made.from_parent(card("sft"))) == ([], [], "")
    assert (made.base_below(card("sft")), made.base_below(card("d2po"))) == ([weights], [])
    assert made.parent(card("control", "3")) == ["r/verifier/runs/sft/3/model"]
    assert made.parent_seal(card("control", "3")) == ["r/verifier/runs/sft/3/model.json"]
    assert made.from_parent(card("control", "3")) == "--base r/verifier/runs/sft/3/model"
    assert made.parent(card("control", "trial-1")) == ["r/verifier/runs/sft/0/model"]
    assert made.chosen(card("control", "trial-1")) == []
    assert made.at_rate(card("control", "3")) == "--chosen r/verifier/runs/control/chosen.json"
    assert made.at_rate(card("control_300", "3")) == "--chosen r/verifier/runs/control/chosen.json"
    assert grid(tmp_path, rate_factors=[1.0]).at_rate(card("control", "3")) == ""
    assert list(trained_before(made, "d2po_no_cv", "2")) == [
        "r/verifier/runs/sft_no_cv/2/model",
        "r/verifier/runs/sft_no_cv/chosen.json",
        "r/verifier/runs/d2po_no_cv/chosen.json",
    ]
    assert made.trials("seal")[1] == "r/verifier/runs/{variant}/trial-1/informed-validation.json"
    assert (made.data(card("sft_hallucination")), made.data(card("d2po"))) == (
        "r/verifier/runs/both.parquet",
        "r/verifier/data/d2po.parquet",
    )


def test_evaluations_wait_for_their_model_and_for_what_is_chosen(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    made = grid(tmp_path, larger="models/large")
    weights = str(tmp_path / "model.safetensors")
    assert (made.model(card("d2po", "main")), made.model_seal(card("d2po", "main"))) == ([MAIN["d2po"][0]], [MAIN["d2po"][1]])
    assert made.evaluated(card("d2po", "main")) == f"--model {MAIN['d2po'][0]}"
    assert made.model_seal(card("d2po", "2", "joint")) == ["r/verifier/runs/d2po/2/model.json"]
    assert (made.base_read(card("d2po", "2", "joint")), made.base_read(card("d2po", "2"))) == ([weights], [])
    assert made.evaluated(card("d2po", "2", "joint")) == (
        "--model r/verifier/runs/d2po/2/model --validation r/verifier/runs/d2po/2/joint-validation.parquet"
    )
    assert made.evaluated(card("d2po", "2", "joint", "validation")) == "--model r/verifier/runs/d2po/2/model"
    assert (made.model(card("base")), made.base_read(card("base")), made.evaluated(card("base"))) == ([], [weights], "")
    settings = json.loads(grid(tmp_path, limit=90, aside_limit=30).evaluation_settings(card("d2po", reading="swapped")))
    assert settings["table5"]["limit"] == 30 and Table5Settings(limit=90, aside_limit=300).limit_of("blind") == 90
    assert [Table5Settings(aside_limit=30).limit_of(reading) for reading in ("informed", "ssim", "joint")] == [None, None, 30]
    assert made.choosing_seal(card("ssim", "0", "ssim")) == ["r/verifier/runs/ssim/0/ssim-validation.json"]
    assert (made.model_seal(card("ssim", "0", "ssim")), made.evaluated(card("larger"))) == ([], "--model models/large")


def test_the_runs_own_table_trains_nothing_and_the_full_one_everything(tmp_path: Path) -> None:
    own = grid(tmp_path).evaluations("table5", "table")
    assert all("/main/" in path or any(f"/{name}/0/" in path for name in UNTRAINED) for path in own)
    assert not any("larger" in path for path in own)
    assert any("larger" in path for path in grid(tmp_path, larger="x").evaluations("table5", "table"))
    full = grid(tmp_path, seeds=5).evaluations("table5_full", "seal")
    assert len(full) == 3 + 5 * (
        len(Table5Settings().full_rows) - 4
    )  # base, its blind reading and SSIM have no seeds; no larger model is named
    assert "r/verifier/runs/d2po_sigmoid/4/informed-test.json" in full
    settings = Table5Settings()
    assert {*settings.full_rows, *settings.search_rows} == set(ROWS)
    assert "r/verifier/runs/control_3000/4/informed-test.json" in grid(tmp_path).evaluations("table5_search", "seal")


def test_the_runs_verifier_is_evaluated_as_it_reads(tmp_path: Path) -> None:
    assert grid(tmp_path).verifier_validation("table") == ["r/verifier/runs/d2po/main/informed-validation.parquet"]
    blind = VerifySettings(engine="transformers", transformers=TransformersSettings(blind_weight=0.3))
    assert grid(tmp_path, blind).verifier_validation("seal") == ["r/verifier/runs/d2po/main/joint-validation.json"]
    other = VerifySettings(engine="transformers", transformers=TransformersSettings(model="theirs"))
    assert grid(tmp_path, other).verifier_argument(None) == ""
    assert grid(tmp_path, VerifySettings(engine="ssim")).verifier_validation("table") == []
