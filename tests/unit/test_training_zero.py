"""Trainings over two processes: plain, under ZeRO-2 and ZeRO-3, started by submitit and by torchrun. The weights are those of one process."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from made_training import job, samples_file
from made_verifier import tiny_verifier
from unicedit.config.d2po import D2poSettings
from unicedit.config.sft import SftSettings
from unicedit.training.curves import read_curves
from unicedit.training.launch import launch
from unicedit.verifier.load import load_verifier

pytestmark = pytest.mark.long  # two processes of torch on two cores, and DeepSpeed compiles an operation first

SCRIPTS = Path(__file__).resolve().parents[2] / "workflow" / "scripts"
SETTINGS: dict[str, Any] = {"epochs": None, "steps": 6, "batch_size": 4, "learning_rate": 1e-3, "freeze_vision": False}


@pytest.fixture(scope="module", autouse=True)
def environment() -> Iterator[None]:
    """Submitting sets variables, and a training on a CPU puts faster layers in."""
    from unicedit.verifier import cpu_speed

    before = dict(os.environ)
    os.environ["OMP_NUM_THREADS"] = "1"
    yield
    os.environ.clear()
    os.environ.update(before)
    cpu_speed.disable()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_verifier(tmp_path_factory.mktemp("base"))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "model.safetensors")


def curve(folder: Path, metric: str) -> list[float]:
    return [value for _, name, value in read_curves(folder / "curves.csv") if name == metric]


def same(one: Path, other: Path) -> None:
    """Losses and norms of the gradients to rounding; and weights, where Adam makes a full step of what rounding left of a gradient of zero."""
    assert curve(one, "loss") == pytest.approx(curve(other, "loss"), rel=2e-3)
    assert curve(one, "grad_norm") == pytest.approx(curve(other, "grad_norm"), rel=2e-3)
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    apart = torch.cat([(tensor - second[name]).abs().flatten() for name, tensor in first.items()])
    assert apart.mean() < 2e-5
    assert apart.max() <= 2 * sum(curve(other, "learning_rate"))


@pytest.mark.parametrize(("zero", "differential"), [(2, "latent"), (3, "none"), (3, "latent")])
def test_zero_over_two_processes_ends_with_the_weights_of_one(base: Path, tmp_path: Path, zero: int, differential: str) -> None:
    data = samples_file(tmp_path / "d2po.parquet", 18, "d2po")
    settings = D2poSettings(**SETTINGS, losses={"sigmoid": 1.0})
    shared = job(base, data, tmp_path / "shared", settings, differential, mode="local", processes_per_node=2, zero=zero)
    assert launch(shared, tmp_path / "job.json")["steps"] == 6
    whole = job(base, data, tmp_path / "whole", settings, differential)
    whole.run()
    same(shared.folder, whole.folder)
    load_verifier(str(shared.folder / "model"), differential=differential)  # type: ignore[arg-type]


def test_torchrun_starts_the_command_by_hand(base: Path, tmp_path: Path) -> None:
    data = samples_file(tmp_path / "sft.parquet", 18, "sft")
    settings = {"verifier": {"differential": "none", "reply": "short"}, "sft": SETTINGS}
    done = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", str(SCRIPTS / "sft.py"),
            "--data", str(data), "--base", str(base), "--model", str(tmp_path / "sft" / "model"), "--curves", str(tmp_path / "sft" / "curves.csv"),
            "--plot", str(tmp_path / "sft" / "curves.png"), "--seal", str(tmp_path / "sft.json"), "--scratch", str(tmp_path / "scratch"),
            "--results", str(tmp_path), "--launch", '{"log_steps": 1}', "--settings", json.dumps(settings),
        ],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    whole = job(base, data, tmp_path / "whole", SftSettings(**SETTINGS))
    whole.run()
    same(tmp_path / "sft", whole.folder)
