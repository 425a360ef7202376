"""From a rule's arguments to its outputs: the training's folder by what decides it, the launch, then model, curves and sidecar where the rule wants them."""

import argparse
import json
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from unicedit.config.d2po import D2poSettings
from unicedit.config.launch import LaunchSettings
from unicedit.config.sft import SftSettings
from unicedit.config.verifier import VerifierSettings
from unicedit.files import read_json, sha256_of_file
from unicedit.gather import gather_parser
from unicedit.sidecar import Identity, seal
from unicedit.training.job import CURVES, MODEL, RESULT, TrainingJob, Verifier
from unicedit.training.kept import keep, link, take, training_recipe
from unicedit.verifier.identity import model_digest

log = logging.getLogger(__name__)
WEIGHTS = "model.safetensors"
PRODUCTS = [MODEL, CURVES, RESULT]


def training_parser(description: str) -> argparse.ArgumentParser:
    """The arguments of a command that trains."""
    made = gather_parser(description)
    made.add_argument("--data", type=Path, required=True, help="table of training samples")
    made.add_argument("--base", help="model to start from; without it, the one that the settings' verifier section names")
    made.add_argument("--model", type=Path, required=True, help="folder for the trained model")
    made.add_argument("--curves", type=Path, required=True, help="CSV of losses and metrics to write (step, name, value)")
    made.add_argument("--plot", type=Path, required=True, help="PNG of them to write")
    made.add_argument("--inputs", type=Path, nargs="*", default=[], help="sidecars of the inputs, recorded in the sidecar")
    made.add_argument("--scratch", type=Path, default=Path("scratch"), help="folder for checkpoints; every node of a training sees it")
    made.add_argument("--launch", type=json.loads, default={}, metavar="JSON", help="where and how it runs (section launch)")
    return made


def job_of(arguments: argparse.Namespace, settings: SftSettings | D2poSettings) -> TrainingJob:
    """The training that a command is asked for. Its folder is named by all that decides its weights, so that no other training's checkpoint is taken up."""
    verifier = VerifierSettings(**json.loads(arguments.settings).get("verifier", {}))
    base, revision = (arguments.base, None) if arguments.base else (verifier.base, verifier.revision)
    stage = "sft" if isinstance(settings, SftSettings) else "d2po"
    decides = json.dumps([verifier.model_dump(mode="json", exclude={"base", "revision"}), settings.model_dump(mode="json")], sort_keys=True)
    data = sha256_of_file(arguments.data) if arguments.data.is_file() else ""
    name = training_recipe(stage, decides, data, model_digest(base, revision))
    if Path(base).exists():
        base = str(Path(base).resolve())
    scratch = arguments.scratch.resolve()
    return TrainingJob(
        Verifier(base, revision, verifier.differential, verifier.reply, verifier.max_pixels),
        arguments.data.resolve(),
        scratch / "training" / stage / name,
        settings,
        LaunchSettings(**arguments.launch),
        scratch / "progress" / stage / f"{name}.json",
    )


def train_and_publish(arguments: argparse.Namespace, settings: SftSettings | D2poSettings) -> None:
    """Train as the command's arguments say, or take the kept model of the same recipe; put model, curves, plot and sidecar in their places; clear the scratch
    folder.
    """
    from unicedit.training.curves import plot_curves, read_curves
    from unicedit.training.launch import launch

    job = job_of(arguments, settings)
    record = arguments.model.parent / "job.json"
    kept = arguments.results / ".kept" / "verifier" / job.stage / job.folder.name
    reused = take(kept, PRODUCTS)
    if reused:
        log.info("the model of the same recipe is kept from the last run: nothing is trained")
    else:
        launch(job, record)
    if os.environ.get("RANK", "0") != "0":
        return  # started by torchrun: the first process does the rest
    made = kept if reused else job.folder
    result = read_json(made / RESULT)
    _replace(made / MODEL, arguments.model, link if reused else shutil.copy2)
    arguments.curves.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(made / CURVES, arguments.curves)
    plot_curves(arguments.plot, read_curves(arguments.curves), f"{job.stage.upper()}: {result['steps']} updates of {settings.batch_size}")
    seal(
        arguments.model / WEIGHTS,
        arguments.seal,
        Identity(job.stage, "all", arguments.code, arguments.settings, tuple(arguments.inputs)),
        rows=result["rows"],
        rows_in=result["rows"],
        status={"ok": result["rows"], "rejected": 0, "failed": 0},
        reasons={},
        steps=result["steps"],
    )
    if not reused:
        keep(job.folder, kept, PRODUCTS)
    record.unlink(missing_ok=True)
    shutil.rmtree(job.folder, ignore_errors=True)


def _replace(made: Path, target: Path, copy: Callable[[str, str], object]) -> None:
    """Copy a folder beside ``target`` and rename it: scratch and results may be two file systems."""
    part = target.with_name(f".{target.name}.part")
    for old in (part, target):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(made, part, copy_function=copy)
    part.rename(target)
