"""What a training's command leaves: model, curves, plot and sidecar; and that a training of the same recipe is not repeated."""

import argparse
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from made_training import samples_file
from made_verifier import tiny_verifier
from unicedit.config.launch import LaunchSettings
from unicedit.config.sft import SftSettings
from unicedit.errors import PipelineError
from unicedit.files import read_json, sha256_of_file
from unicedit.training.arguments import parts
from unicedit.training.curves import read_curves
from unicedit.training.job import TrainingJob
from unicedit.training.kept import recipe_modules
from unicedit.training.publish import train_and_publish, training_parser
from unicedit.verifier.load import load_verifier, recorded

SETTINGS = SftSettings(epochs=None, steps=2, batch_size=4)


@pytest.fixture(scope="module", autouse=True)
def stock_layers() -> Iterator[None]:
    """A training on a CPU puts faster layers in for the whole process."""
    from unicedit.verifier import cpu_speed

    yield
    cpu_speed.disable()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    tiny_verifier(folder / "base")
    samples_file(folder / "sft.parquet", 8, "sft")
    (folder / "data.json").write_text(json.dumps({"sha256": "0" * 64}))
    train_and_publish(arguments(folder), SETTINGS)
    return folder


@pytest.fixture
def run(published: Path, tmp_path: Path) -> Path:
    shutil.copytree(published, tmp_path / "run")
    return tmp_path / "run"


def arguments(folder: Path, code: str = "", **changes: Any) -> argparse.Namespace:
    settings = {"verifier": {"differential": "none", "reply": "short"}, "sft": SETTINGS.model_dump(mode="json")}
    made = folder / "results" / "verifier"
    words = [
        "--data",
        folder / "sft.parquet",
        "--base",
        folder / "base",
        "--model",
        made / "sft" / "model",
        "--curves",
        made / "sft" / "curves.csv",
    ]
    words += [
        "--plot",
        made / "sft" / "curves.png",
        "--seal",
        made / "sft.json",
        "--scratch",
        folder / "scratch",
        "--results",
        folder / "results",
    ]
    words += ["--inputs", folder / "data.json", "--settings", json.dumps(settings), "--launch", '{"log_steps": 1}', "--code", code]
    return argparse.Namespace(**{**vars(training_parser("").parse_args([str(word) for word in words])), **changes})


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[TrainingJob]:
    """The trainings that are launched from here on."""
    from unicedit.training import launch as launching

    found: list[TrainingJob] = []
    whole = launching.launch

    def noted(job: TrainingJob, record: Path) -> dict[str, Any]:
        found.append(job)
        return whole(job, record)

    monkeypatch.setattr(launching, "launch", noted)
    return found


def test_outputs_are_whole_and_scratch_is_cleared(published: Path) -> None:
    made = published / "results" / "verifier"
    seal = read_json(made / "sft.json")
    assert seal["sha256"] == sha256_of_file(made / "sft" / "model" / "model.safetensors")
    assert (seal["stage"], seal["rows"], seal["steps"]) == ("sft", 8, 2)
    assert seal["inputs"] == {"../../data.json": "0" * 64}
    assert (made / seal["table"]).is_file()
    assert {"loss", "mean_token_accuracy"} <= {name for _, name, _ in read_curves(made / "sft" / "curves.csv")}
    assert Image.open(made / "sft" / "curves.png").size[0] > 500
    assert recorded(str(made / "sft" / "model")) == ("none", "short")
    load_verifier(str(made / "sft" / "model"), differential="none")
    assert [file.parent.name for file in (published / "scratch").rglob("*.*")] == ["sft"], "its progress record alone"
    assert not (made / "sft" / "job.json").exists()


def test_a_training_planned_again_for_the_same_recipe_is_taken_from_what_is_kept(run: Path, trained: list[TrainingJob]) -> None:
    made = run / "results" / "verifier"
    before = sha256_of_file(made / "sft" / "model" / "model.safetensors")
    shutil.rmtree(made)  # as Snakemake does before it runs a job
    train_and_publish(arguments(run, code="refactored"), SETTINGS)
    assert trained == []
    assert read_json(made / "sft.json")["sha256"] == before
    assert read_json(made / "sft.json")["code"] == "refactored"
    assert (made / "sft" / "curves.png").exists()


def test_other_settings_data_or_a_damaged_copy_train_anew(run: Path, trained: list[TrainingJob]) -> None:
    kept = run / "results" / ".kept" / "verifier" / "sft"
    (weights,) = kept.rglob("model.safetensors")
    damaged = bytearray(weights.read_bytes())
    damaged[-1] ^= 1
    weights.unlink()
    weights.write_bytes(damaged)
    train_and_publish(arguments(run), SETTINGS)
    assert len(trained) == 1
    samples_file(run / "sft.parquet", 9, "sft")
    train_and_publish(arguments(run), SETTINGS)
    train_and_publish(arguments(run), SETTINGS.model_copy(update={"seed": 3}))
    assert len(trained) == 3
    assert len({job.folder for job in trained}) == 3
    assert len(list(kept.iterdir())) == 1  # the last alone


def test_how_a_training_is_run_is_not_in_its_recipe() -> None:
    for stage, own in (("sft", "unicedit.training.sft"), ("d2po", "unicedit.training.d2po")):
        modules = set(recipe_modules(stage))
        assert {own, "unicedit.training.rows", "unicedit.training.order", "unicedit.training.collate", "unicedit.verifier.chat"} <= modules
        assert not modules & {
            f"unicedit.training.{name}" for name in ("launch", "publish", "job", "curves", "preemption", "checkpoints", "kept")
        }
        assert not any(name.startswith(("unicedit.config", "unicedit.map")) for name in modules)


@pytest.mark.parametrize(
    ("batch", "processes", "most", "expected"),
    [(32, 1, 32, (32, 1)), (32, 1, 10, (8, 4)), (32, 8, 32, (4, 1)), (24, 2, 5, (4, 3)), (7, 1, 4, (1, 7))],
)
def test_an_updates_batch_is_shared_exactly(batch: int, processes: int, most: int, expected: tuple[int, int]) -> None:
    at_once, accumulated = parts(batch, processes, most)
    assert (at_once, accumulated) == expected
    assert at_once * accumulated * processes == batch


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    with pytest.raises(PipelineError, match="batch_size 6 cannot be shared by 4 processes; make it a multiple"):
        parts(6, 4, 32)


def test_launch_settings_that_contradict_each_other_are_refused() -> None:
    for values, said in (
        ({"nodes": 2}, "several nodes need mode slurm"),
        ({"processes_per_node": 2}, "several processes need mode local or slurm"),
    ):
        with pytest.raises(ValueError, match=said):
            LaunchSettings(**values)  # type: ignore[arg-type]
