"""Trainings through submitit: a real signal to a real process, a restarted head that finds its training again, and what Slurm is asked for."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file

from made_training import job, samples_file
from made_verifier import tiny_verifier
from unicedit.config.launch import LaunchSettings
from unicedit.config.sft import SftSettings
from unicedit.errors import PipelineError
from unicedit.training import launch as launching
from unicedit.training.job import TrainingJob
from unicedit.training.launch import Submitted, launch, slurm_parameters

STEPS = 60
SETTINGS: dict[str, Any] = {"epochs": None, "steps": STEPS, "batch_size": 4, "learning_rate": 1e-3, "freeze_vision": False}


@pytest.fixture(scope="module", autouse=True)
def environment() -> Iterator[None]:
    """Submitting sets variables, and a training on a CPU puts faster layers in."""
    from unicedit.verifier import cpu_speed

    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
    cpu_speed.disable()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_verifier(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples_file(tmp_path_factory.mktemp("data") / "sft.parquet", 24, "sft")


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "model.safetensors")


def until(true: Any, seconds: float = 240) -> Any:
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return found


def steps_done(folder: Path) -> int:
    curves = folder / "curves.csv"
    return int(curves.read_text().splitlines()[-1].split(",")[0]) if curves.exists() else 0


def test_a_preempted_local_training_is_found_again_and_ends_with_the_same_weights(base: Path, samples: Path, tmp_path: Path) -> None:
    settings = SftSettings(**SETTINGS)
    made = job(base, samples, tmp_path / "submitted", settings, mode="local", signal="USR1", checkpoint_steps=1000)
    record = tmp_path / "job.json"
    submitted = launching._submitted(made, record)  # the head submits, and is killed
    controller = psutil.Process(int(submitted.job_id))
    (task,) = until(controller.children)
    until(lambda: steps_done(made.folder) >= 3)
    task.send_signal(signal.SIGUSR1)
    result: dict[str, Any] = {}
    head = threading.Thread(target=lambda: result.update(launch(made, record)))
    head.start()  # the head that is started again
    head.join(240)
    assert result["steps"] == STEPS
    output = Path(submitted.output).read_text()
    assert "stopped by SIGUSR1 after update" in output
    assert "Requeued job" in output
    assert "going on from" in output
    assert list((made.folder / "submitit").glob("*_submitted.pkl")) == [made.folder / "submitit" / f"{submitted.job_id}_submitted.pkl"]
    whole = job(base, samples, tmp_path / "whole", settings)
    whole.run()
    expected = weights(whole.folder)
    assert weights(made.folder).keys() == expected.keys()
    for name, tensor in weights(made.folder).items():
        assert torch.allclose(tensor, expected[name], atol=1e-5), name


def record_of(path: Path, made: TrainingJob, **values: Any) -> Path:
    me = psutil.Process()
    found = {
        "mode": "local", "job_id": str(me.pid), "training": str(made.folder.resolve()), "output": str(path.with_name("log.out")),
        "host": os.uname().nodename, "started": me.create_time(), **values,
    }  # fmt: skip
    path.write_text(json.dumps(found))
    return path


@pytest.fixture
def made(tmp_path: Path) -> TrainingJob:
    return job(tmp_path / "base", tmp_path / "data.parquet", tmp_path / "training", SftSettings(**SETTINGS), mode="local")


@pytest.fixture
def submissions(monkeypatch: pytest.MonkeyPatch) -> list[TrainingJob]:
    """Trainings that would have been submitted; each is done at once."""
    found: list[TrainingJob] = []

    def submit(made: TrainingJob, record: Path) -> Submitted:
        found.append(made)
        finish(made)
        return Submitted("local", "0", str(made.folder), "")

    monkeypatch.setattr(launching, "_submitted", submit)
    return found


def finish(made: TrainingJob) -> None:
    made.folder.mkdir(parents=True, exist_ok=True)
    (made.folder / "result.json").write_text(json.dumps({"steps": STEPS, "rows": 24, "seconds": 1.0}))


def test_a_living_training_is_waited_for_and_not_submitted_again(made: TrainingJob, tmp_path: Path, submissions: list[TrainingJob]) -> None:
    record = record_of(tmp_path / "job.json", made)  # this process stands for the training's
    threading.Timer(0.7, finish, [made]).start()
    assert launch(made, record)["steps"] == STEPS
    assert submissions == []


@pytest.mark.parametrize("change", [{"started": 1.0}, {"job_id": "4194000"}])
def test_a_dead_training_is_submitted_again(
    made: TrainingJob, tmp_path: Path, submissions: list[TrainingJob], change: dict[str, Any]
) -> None:
    assert launch(made, record_of(tmp_path / "job.json", made, **change))["steps"] == STEPS
    assert submissions == [made]


def test_a_training_that_is_done_is_not_run_again(made: TrainingJob, tmp_path: Path, submissions: list[TrainingJob]) -> None:
    finish(made)
    assert launch(made, tmp_path / "job.json") == made.result()
    assert submissions == []


def test_a_living_training_with_other_settings_is_in_the_way(made: TrainingJob, tmp_path: Path, submissions: list[TrainingJob]) -> None:
    record = record_of(tmp_path / "job.json", made, training="/elsewhere/training")
    with pytest.raises(PipelineError, match=r"job\.json: local job \d+ still trains with other settings; cancel it"):
        launch(made, record)
    assert submissions == []


def test_a_local_training_of_another_machine_cannot_be_judged_from_here(
    made: TrainingJob, tmp_path: Path, submissions: list[TrainingJob]
) -> None:
    with pytest.raises(PipelineError, match=r"on node-7; run there, or make sure that it has ended and remove its job\.json"):
        launch(made, record_of(tmp_path / "job.json", made, host="node-7"))


def test_a_failed_training_says_its_last_words(made: TrainingJob, tmp_path: Path) -> None:
    (tmp_path / "log.out").write_text(
        "submitit INFO starting\nunicedit.errors.PipelineError: data.parquet: no such file\nsubmitit ERROR failed\n"
    )
    record = record_of(tmp_path / "job.json", made, started=1.0)
    dead = Submitted(**json.loads(record.read_text()))
    with pytest.raises(PipelineError, match=r"ended without a model: unicedit\.errors\.PipelineError: data\.parquet: no such file"):
        launching.wait(made, dead, record)
    assert not record.exists()


@pytest.fixture
def squeue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A squeue that says what it is told."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def says(out: str = "", error: str = "", code: int = 0) -> None:
        program = folder / "squeue"
        program.write_text(f"#!/bin/sh\nprintf '{out}'\nprintf '{error}' >&2\nexit {code}\n")
        program.chmod(0o755)

    return says


@pytest.mark.parametrize(
    ("answer", "alive"),
    [
        ({"out": "RUNNING\\n"}, True),
        ({"out": "PENDING\\n"}, True),
        ({"out": "REQUEUE_HOLD\\n"}, True),
        ({"out": "COMPLETING\\n"}, True),
        ({"out": "TIMEOUT\\n"}, False),
        ({"out": "CANCELLED\\n"}, False),
        ({"out": ""}, False),
        ({"error": "slurm_load_jobs error: Invalid job id specified", "code": 1}, False),
        ({"error": "slurm_load_jobs error: Unable to contact slurm controller", "code": 1}, True),
    ],
)
def test_slurm_says_whether_a_job_lives(squeue: Any, answer: dict[str, Any], alive: bool) -> None:
    squeue(**answer)
    assert Submitted("slurm", "17", "/training", "").alive() is alive


def test_slurm_is_asked_for_one_task_a_gpu(made: TrainingJob, monkeypatch: pytest.MonkeyPatch) -> None:
    from submitit.core.job_environment import JobEnvironment
    from submitit.slurm.slurm import _make_sbatch_string

    monkeypatch.setattr(JobEnvironment, "USR_SIG", "USR2")
    monkeypatch.setenv("PYTHONPATH", "/repository/workflow/scripts")
    settings = LaunchSettings.model_validate(
        {
            "mode": "slurm", "nodes": 2, "processes_per_node": 8, "minutes": 720,
            "slurm": {"partition": "gpu", "memory_gb": 900, "more": {"reservation": "team"}, "setup": ["module load cuda"]},
        }
    )  # fmt: skip
    asked = TrainingJob(made.verifier, made.data, made.folder, made.settings, settings)
    text = _make_sbatch_string("run", made.folder, signal_delay_s=settings.signal_seconds, **slurm_parameters(asked))
    for line in (
        "--nodes=2", "--ntasks-per-node=8", "--gpus-per-node=8", "--time=720", "--mem=900GB", "--partition=gpu", "--reservation=team", "--requeue",
        "--signal=USR2@120",
    ):  # fmt: skip
        assert f"#SBATCH {line}\n" in text
    assert text.index("module load cuda") < text.index("export PYTHONPATH='/repository/workflow/scripts'") < text.index("srun")


def test_without_slurm_the_remedy_is_named(made: TrainingJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    asked = TrainingJob(made.verifier, made.data, made.folder, made.settings, LaunchSettings(mode="slurm"))
    with pytest.raises(PipelineError, match=r"launch\.mode slurm: .*choose mode local or in_process"):
        launch(asked, tmp_path / "job.json")
