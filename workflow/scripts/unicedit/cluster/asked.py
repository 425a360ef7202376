"""What each rule asks of the cluster: the resources in its rule file, under what a profile says of it.

Read from the files themselves: having Snakemake work them out would scan the library first.
"""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from unicedit.config.launch import LaunchSettings
from unicedit.errors import PipelineError

_RULE = re.compile(r"^rule (\w+):", re.MULTILINE)
_THREADS = re.compile(r"^    threads: (\d+)", re.MULTILINE)
_RESOURCES = re.compile(r"^    resources:\n((?:        .*\n)+)", re.MULTILINE)
_NAMES: dict[str, Any] = {"__builtins__": {}, "min": min, "max": max, "int": int, "round": round}
_GPU = re.compile(r"gpu(?::[\w.]+)?(?::(\d+))?$")
TRAININGS = ("sft", "d2po", "train_variant")


@dataclass(frozen=True, slots=True)
class Asked:
    """One rule's request at one attempt. ``memory_mb`` a node, ``minutes`` of running time; None where it is not asked, or not known before the job's inputs are."""

    rule: str
    partition: str | None
    account: str | None
    memory_mb: float | None
    minutes: float | None
    cpus: int
    gpus: int
    nodes: int = 1
    qos: str | None = None
    training: bool = False  # submitted by the launch settings, not by the profile


def read_profile(path: Path) -> dict[str, Any]:
    """A profile's settings, given its folder, as Snakemake reads them: one that says ``__use_yte__`` is a template. Raises ``PipelineError`` for a profile that is none."""
    from yte import process_yaml  # type: ignore[import-untyped]

    file = path / "config.yaml"
    try:
        with file.open(encoding="utf-8") as stream:
            value = process_yaml(stream, require_use_yte=True)
    except FileNotFoundError as error:
        raise PipelineError(f"{file}: there is no such profile; --profile names its folder") from error
    except yaml.YAMLError as error:
        raise PipelineError(f"{file}: is no YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(value, dict):
        raise PipelineError(f"{file}: holds no settings")
    return value


def _pairs(value: Any, where: str) -> dict[str, Any]:
    """Resources as a mapping; Snakemake also takes ``name=value`` texts."""
    if value is None:
        return {}
    if isinstance(value, list):
        return dict(str(one).split("=", 1) for one in value if "=" in str(one))
    if isinstance(value, Mapping):
        return dict(value)
    raise PipelineError(f"{where}: is no mapping of names to values")


def rules_in(folder: Path) -> dict[str, tuple[int, dict[str, Any]]]:
    """Threads and resources of every rule in a folder's rule files, as they stand there."""
    found: dict[str, tuple[int, dict[str, Any]]] = {}
    for path in sorted(folder.glob("*.smk")):
        parts = _RULE.split(path.read_text(encoding="utf-8"))[1:]
        for name, body in zip(parts[::2], parts[1::2], strict=True):
            threads, resources = _THREADS.search(body), _RESOURCES.search(body)
            call = ast.parse(f"f({resources[1]})" if resources else "f()", mode="eval").body
            assert isinstance(call, ast.Call)
            values = {word.arg: word.value.value for word in call.keywords if word.arg and isinstance(word.value, ast.Constant)}
            found[name] = (int(threads[1]) if threads else 1, values)
    return found


def worked_out(value: Any, attempt: int, threads: int) -> Any:
    """A resource's value at an attempt. A text is an expression, as Snakemake evaluates it when it reads the user's own profile, and else itself."""
    if not isinstance(value, str):
        return value
    try:
        found = eval(value, dict(_NAMES), {"attempt": attempt, "threads": threads})
    except (NameError, SyntaxError, TypeError, AttributeError):
        return value
    return value if callable(found) else found


def _number(value: Any, kind: str) -> float | None:
    """Megabytes or minutes; texts as ``8GB`` and ``2h`` as Snakemake reads them. None for what depends on a job's inputs."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        return None
    from humanfriendly import InvalidSize, InvalidTimespan, parse_size, parse_timespan  # type: ignore[import-untyped]

    try:
        return float(parse_size(value) / 1e6 if kind == "memory" else parse_timespan(value) / 60)
    except (InvalidSize, InvalidTimespan):
        return None


def _gpus(values: Mapping[str, Any], where: str) -> int:
    if values.get("gpu"):
        if not isinstance(values["gpu"], int):
            raise PipelineError(f"{where}: gpu = {values['gpu']!r}: is no number of GPUs; gpu_model names a model")
        return values["gpu"]
    found = [_GPU.match(part.strip()) for part in str(values.get("gres") or "").split(",")]
    return sum(int(one[1] or 1) for one in found if one)


def _text(value: Any) -> str | None:
    return None if value in (None, "") else str(value)


def asked(rules: Mapping[str, tuple[int, Mapping[str, Any]]], profile: Mapping[str, Any], attempt: int = 1) -> dict[str, Asked]:
    """What each rule asks at an attempt (the first is 1) under a profile's ``default-resources``, ``set-resources`` and ``set-threads``."""
    usual = _pairs(profile.get("default-resources"), "default-resources")
    own = _pairs(profile.get("set-resources"), "set-resources")
    set_threads = _pairs(profile.get("set-threads"), "set-threads")
    if unknown := sorted({*own, *set_threads} - set(rules)):
        raise PipelineError(f"set-resources, set-threads: there is no rule {', '.join(unknown)}; there are {', '.join(sorted(rules))}")
    found = {}
    for rule, (rule_threads, resources) in rules.items():
        threads = int(set_threads.get(rule, rule_threads))
        merged = {**usual, **resources, **_pairs(own.get(rule), f"set-resources: {rule}")}
        values = {name: worked_out(value, attempt, threads) for name, value in merged.items()}
        cpus = int(values.get("cpus_per_task") or threads)
        memory = _number(values.get("mem_mb", values.get("mem")), "memory")
        if values.get("mem_mb_per_cpu"):
            memory = _number(values["mem_mb_per_cpu"], "memory")
            memory = memory and memory * cpus
        found[rule] = Asked(
            rule,
            _text(values.get("slurm_partition")),
            _text(values.get("slurm_account")),
            memory,
            _number(values.get("runtime"), "time"),
            cpus,
            _gpus(values, f"resources of {rule}"),
            int(values.get("nodes") or 1),
            _text(values.get("qos")),
        )
    return found


def trainings_asked(launch: LaunchSettings) -> list[Asked]:
    """What the trainings' own jobs ask, where the configuration has them submitted to Slurm."""
    if launch.mode != "slurm":
        return []
    slurm, processes = launch.slurm, launch.processes_per_node
    memory = None if slurm.memory_gb is None else slurm.memory_gb * 1024.0
    cpus, gpus = slurm.cpus_per_process * processes, slurm.gpus_per_process * processes
    one = Asked(
        "trainings", slurm.partition, slurm.account, memory, float(launch.minutes), cpus, gpus, launch.nodes, slurm.qos, training=True
    )
    return [one]
