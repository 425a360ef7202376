"""What a finished run measured of its verifier's own chain: training data, trainings, evaluations. Each is a few jobs without progress records."""

from pathlib import Path
from typing import Any

from unicedit.config.model import Config
from unicedit.files import read_json
from unicedit.plan.measured import Measured, benchmarks
from unicedit.training.parts import SECTIONS


def _sealed(paths: list[Path]) -> list[dict[str, Any]]:
    return [value for path in paths if path.is_file() and "rows_in" in (value := read_json(path))]


def _measured(stage: str, sealed: list[dict[str, Any]], rows: int, seconds: dict[str, float]) -> Measured | None:
    if not rows or not seconds:
        return None
    size = sum(value["bytes"] for value in sealed) / rows
    return Measured(stage, len(seconds), rows, rows, sum(seconds.values()) / rows, 0.0, 1.0, size)


def measure_training(results: Path, config: Config) -> dict[str, Measured]:
    """What the run in ``results`` showed of ``training_data``, ``sft``, ``d2po`` and ``evaluate``, as far as it has them.

    A training's sidecar tells its updates; their batches are taken to be of this configuration's size. Its bytes are those of the model, whatever the rows.
    """
    found: list[Measured | None] = []
    data = _sealed([results / "verifier" / "sidecars" / f"{name}.json" for name in SECTIONS])
    found.append(
        _measured("training_data", data, sum(value["rows"] for value in data), benchmarks(results / "benchmarks", "training_data.tsv"))
    )
    for stage in ("sft", "d2po"):
        sealed = _sealed([results / "verifier" / stage / f"{stage}.json"])
        read = sum(value["steps"] for value in sealed) * getattr(config, stage).batch_size
        found.append(_measured(stage, sealed, read, benchmarks(results / "benchmarks", f"{stage}.tsv")))
    evaluated = _sealed(
        [path for path in sorted((results / "verifier" / "runs").glob("*/*/*.json")) if path.stem.endswith(("-test", "-validation"))]
    )
    found.append(
        _measured("evaluate", evaluated, sum(value["rows"] for value in evaluated), benchmarks(results / "benchmarks" / "evaluate"))
    )
    return {one.stage: one for one in found if one is not None}
