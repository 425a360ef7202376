"""A training that is stopped goes on where it was: same rows, same optimizer, same weights at the end."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from made_training import job, samples_file
from made_verifier import tiny_verifier
from unicedit.config.d2po import D2poSettings
from unicedit.config.training import LoraSettings
from unicedit.training.checkpoints import last_checkpoint
from unicedit.training.curves import read_curves
from unicedit.training.job import TrainingJob
from unicedit.training.preemption import Preempted, Preemption

STEPS = 8


@pytest.fixture(scope="module", autouse=True)
def stock_layers() -> Iterator[None]:
    """A training on a CPU puts faster layers in for the whole process."""
    from unicedit.verifier import cpu_speed

    yield
    cpu_speed.disable()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_verifier(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples_file(tmp_path_factory.mktemp("data") / "d2po.parquet", 30, "d2po", ((56, 56), (84, 56)))


SETTINGS: dict[str, Any] = {"epochs": None, "steps": STEPS, "batch_size": 4, "learning_rate": 1e-3, "freeze_vision": False}


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "model.safetensors")


def differ(one: Path, other: Path) -> float:
    """The largest difference between two trainings' weights."""
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    return max((tensor.double() - second[name].double()).abs().max().item() for name, tensor in first.items())


def losses(folder: Path) -> dict[int, float]:
    return {step: value for step, name, value in read_curves(folder / "curves.csv") if name == "loss"}


class Interrupt(Preemption):
    """Sends this process a real signal in the middle of the update after ``at``."""

    def __init__(self, at: int, number: int) -> None:
        super().__init__((signal.SIGUSR2,), (signal.SIGTERM,))
        self.at = at
        self.number = number

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == self.at:
            os.kill(os.getpid(), self.number)


def run_until(made: TrainingJob, at: int, number: int = signal.SIGUSR2) -> None:
    with Interrupt(at, number) as preemption:
        made._train(preemption)


def base_as_trained(base: Path, folder: Path, differential: Any) -> Path:
    """The base model where ``weights`` looks for a trained one."""
    from unicedit.verifier.load import load_verifier, save_verifier

    model, processor = load_verifier(str(base), differential=differential, dtype=torch.float32)
    return save_verifier(model, processor, folder / "untrained" / "model").parent


ADAPTERS = LoraSettings(rank=4, alpha=8, dropout=0.3)


@pytest.mark.parametrize(
    ("differential", "lora"), [("none", None), ("latent", None), ("latent", ADAPTERS)], ids=["stock-full", "latent-full", "latent-lora"]
)
def test_resumed_weights_are_those_of_an_undisturbed_training(
    base: Path, pairs: Path, tmp_path: Path, differential: str, lora: LoraSettings | None
) -> None:
    settings = D2poSettings(**SETTINGS, lora=lora)
    whole, stopped = (job(base, pairs, tmp_path / name, settings, differential) for name in ("whole", "stopped"))
    whole.run()
    with pytest.raises(Preempted, match="stopped by SIGUSR2 after update 3 of 8; a checkpoint is stored"):
        run_until(stopped, 2)
    assert not (stopped.folder / "model").exists()
    assert last_checkpoint(stopped.folder / "checkpoints", tidy=False) == stopped.folder / "checkpoints" / "checkpoint-3"
    stopped.run()
    assert differ(whole.folder, stopped.folder) < 1e-6
    assert differ(whole.folder, base_as_trained(base, tmp_path, differential)) > 1e-3  # nor did both stand still
    # the curves of the whole training, though two processes drew them
    assert losses(stopped.folder) == pytest.approx(losses(whole.folder))


def test_after_sigterm_alone_a_submitted_training_stores_and_goes_on(base: Path, pairs: Path, tmp_path: Path) -> None:
    made = job(base, pairs, tmp_path, D2poSettings(**SETTINGS))
    stored: list[str] = []

    class Watch(Interrupt):
        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            stored.append(f"checkpoint-{state.global_step}")

    with Watch(3, signal.SIGTERM) as preemption:
        result = made._train(preemption)
    assert result["steps"] == STEPS
    assert stored == ["checkpoint-4", f"checkpoint-{STEPS}"]


def test_a_half_written_checkpoint_is_passed_over_and_removed(tmp_path: Path) -> None:
    for step, names in ((4, ["model.safetensors", "trainer_state.json"]), (10, ["model.safetensors"])):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        for name in names:
            (folder / name).write_text("{}")
    assert last_checkpoint(tmp_path, tidy=False) == tmp_path / "checkpoint-4"
    assert (tmp_path / "checkpoint-10").exists()
    assert last_checkpoint(tmp_path, tidy=True) == tmp_path / "checkpoint-4"
    assert not (tmp_path / "checkpoint-10").exists()
    assert last_checkpoint(tmp_path / "none", tidy=True) is None


def test_a_training_that_is_done_but_for_its_model_is_finished(
    base: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = job(base, pairs, tmp_path, D2poSettings(**SETTINGS))

    def broken(*_: Any) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr("unicedit.training.finish.save_trained", broken)
        with pytest.raises(OSError, match="disk full"):
            made.run()
    assert made.result() is None
    made.run()
    assert made.result() is not None
    assert len(weights(tmp_path)) > 10


def test_a_second_training_in_the_same_folder_is_refused(base: Path, pairs: Path, tmp_path: Path) -> None:
    from unicedit.map.lease import Lease, LeaseHeld

    made = job(base, pairs, tmp_path, D2poSettings(**SETTINGS))
    with Lease(tmp_path / "lease.json", 1), pytest.raises(LeaseHeld, match="is writing this output"):
        made.run()


def test_signals_are_given_back() -> None:
    before = signal.getsignal(signal.SIGUSR2)
    with Preemption((signal.SIGUSR2,)):
        assert signal.getsignal(signal.SIGUSR2) != before
    assert signal.getsignal(signal.SIGUSR2) == before
