"""The record of a run: rows, models, digests, versions and configuration, on one page."""

import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from unicedit.config.model import Config
from unicedit.files import digest_of, read_json
from unicedit.gather import sidecars
from unicedit.report.page import RECORD, fill, write_page
from unicedit.sidecar import total
from unicedit.tables.table3 import PLAYED

STAGES = ("ingest", "prefilter", "instruct", "edit", "verify", "assemble")
LIBRARIES = ("snakemake", "numpy", "pillow", "pyarrow", "pydantic", "torch", "transformers", "trl", "diffusers", "vllm", "openai")
_NAMES = ("model", "base", "name", "predictor")  # what stands beside a revision and says whose it is
_LONGEST = 300  # signs of a value


def stage_record(results: Path, stage: str, shards: Sequence[str]) -> dict[str, Any]:
    """What the sidecars of a stage say over all shards."""
    paths = sidecars(results, (stage,), shards)
    values = [read_json(path) for path in paths]
    return {
        "stage": stage,
        **total(paths),
        "content": digest_of([value["sha256"] for value in values]),
        "code": sorted({value["code"] for value in values}),
        "settings": sorted({value["settings"] for value in values}),
        "versions": [value["versions"] for value in values],
    }


def made_record(seal: Path) -> dict[str, Any]:
    """What the sidecar of a gather says."""
    value = read_json(seal)
    return {
        "stage": value["stage"],
        "content": value["sha256"],
        "code": [value["code"]],
        "settings": [value["settings"]],
        "versions": [value["versions"]],
    }


def models(values: Any, place: str = "") -> Iterator[tuple[str, str, str | None]]:
    """Setting, name and revision of every model that the configuration names, in its order."""
    if isinstance(values, Mapping):
        name = next((values[one] for one in _NAMES if values.get(one)), None)
        if "revision" in values and name:
            yield place, str(name), values["revision"]
        for key, value in values.items():
            yield from models(value, f"{place}.{key}" if place else key)
    elif isinstance(values, list):
        for number, value in enumerate(values):
            yield from models(value, f"{place}.{number}")


def changed(values: Mapping[str, Any], defaults: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, str, str]]:
    """Key, value and default, as JSON, of every setting that differs from its default."""
    for key, value in values.items():
        default = defaults.get(key)
        if isinstance(value, Mapping) and isinstance(default, Mapping):
            yield from changed(value, default, f"{place}{key}.")
        elif value != default:
            yield f"{place}{key}", _shown(value), _shown(default)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _versions(records: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, list[str]]]:
    """Library, installed version, and other versions that wrote tables."""
    wrote: dict[str, set[str]] = {}
    for used in (one for record in records for one in record["versions"]):
        for name, value in used.items():
            wrote.setdefault(name, set()).add(value)
    found: list[tuple[str, str, list[str]]] = [("python", platform.python_version(), [])]
    for name in LIBRARIES:
        try:
            here = version(name)
        except PackageNotFoundError:
            continue
        found.append((name, here, sorted(wrote.get(name, set()) - {here})))
    return found


def record(
    results: Path,
    shards: Sequence[str],
    made: Sequence[Path],
    config: Config,
    simulated: Sequence[str],
    out: Path,
) -> dict[str, int]:
    """Write the record. ``made`` are the sidecars of the gathers; returns the dataset's rows by status."""
    configuration = config.model_dump(mode="json")
    stages = [stage_record(results, stage, shards) for stage in STAGES]
    gathered = [made_record(seal) for seal in made]
    body = fill(
        RECORD,
        simulated=[PLAYED[one] for one in simulated],
        shards=f"{len(shards):,}",
        stages=stages,
        made=gathered,
        models=list(models(configuration)),
        versions=_versions([*stages, *gathered]),
        changed=list(changed(configuration, Config().model_dump(mode="json"))),
        configuration=yaml.safe_dump(configuration, sort_keys=False, allow_unicode=True, width=120),
    )
    write_page(out, "Record of the run", body)
    status: dict[str, int] = stages[-1]["status"]
    return status
