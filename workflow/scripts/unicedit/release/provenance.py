"""By what each stage was made, from the sidecars of its shards."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unicedit.errors import PipelineError
from unicedit.files import digest_of, read_json
from unicedit.gather import sidecars

STAGES = ("ingest", "prefilter", "instruct", "edit", "verify", "assemble")


@dataclass(frozen=True, slots=True)
class StageMade:
    """One stage over all shards: rows by status, digests of code and of settings (one, unless shards were made by different ones), digest of the shards' tables."""

    stage: str
    shards: int
    status: dict[str, int]
    code: tuple[str, ...]
    settings: tuple[str, ...]
    tables: str
    versions: dict[str, str]


def stages_made(results: Path, shards: Sequence[str]) -> list[StageMade]:
    """What the sidecars say, stage by stage. Raises ``PipelineError`` where a shard is not sealed."""
    return [_stage(stage, [_sealed(path) for path in sidecars(results, (stage,), shards)]) for stage in STAGES]


def _sealed(path: Path) -> dict[str, Any]:
    if not path.is_file() or "sha256" not in (value := read_json(path)):
        raise PipelineError(f"{path}: not sealed; finish the run (make dataset) before its release")
    return dict(value)


def _stage(stage: str, values: Sequence[dict[str, Any]]) -> StageMade:
    status: Counter[str] = Counter()
    versions: dict[str, str] = {}
    for value in values:
        status.update(value["status"])
        versions |= value["versions"]
    return StageMade(
        stage,
        len(values),
        dict(status),
        tuple(sorted({value["code"] for value in values})),
        tuple(sorted({value["settings"] for value in values})),
        digest_of([value["sha256"] for value in values]),
        versions,
    )
