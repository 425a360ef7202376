"""The small JSON file beside every sealed table: what it holds, of what, made by what (design section 3).

It is deterministic (equal tables made under equal digests have equal sidecars), so Snakemake compares it by content. Its ``code`` and ``settings`` let the head
process tell a fresh table from a stale one where Snakemake's own records are gone (design section 5).
"""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unicedit.files import digest_of, read_json, sha256_of_file, write_json

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Identity:
    """By what a table is made: its stage and shard, the digests of code and settings, and the files it is made from."""

    stage: str
    shard: str
    code: str
    settings: str  # JSON text, as Snakemake's params hold it
    inputs: tuple[Path, ...] = ()  # sidecars of upstream tables, or index manifests


def content_of(path: Path) -> str:
    """The SHA-256 that stands for an input: a sidecar's table, or the file itself when it is no sidecar."""
    value = read_json(path)
    if isinstance(value, dict) and "sha256" in value:
        return str(value["sha256"])
    return sha256_of_file(path)


def versions() -> dict[str, str]:
    """Releases of the libraries whose output bytes are in the tables."""
    from importlib.metadata import version

    return {name: version(name) for name in ("numpy", "pillow", "pyarrow")}


def reason_class(reason: str | None) -> str:
    """The class of a reason: what stands before its first colon."""
    return (reason or "").split(":", 1)[0]


def count(statuses: Iterable[str | None], reasons: Iterable[str | None]) -> tuple[dict[str, int], dict[str, int]]:
    """Rows by status (all three always present), and by reason class among those that are not ok."""
    by_status = Counter({"ok": 0, "rejected": 0, "failed": 0})
    by_reason: Counter[str] = Counter()
    for status, reason in zip(statuses, reasons, strict=True):
        by_status[str(status)] += 1
        if status != "ok":
            by_reason[reason_class(reason)] += 1
    return dict(by_status), dict(by_reason)


def seal(
    table: Path,
    sidecar: Path,
    identity: Identity,
    *,
    rows: int,
    rows_in: int,
    status: Mapping[str, int],
    reasons: Mapping[str, int],
    sha256: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Write the sidecar of a finished table, and return it. ``rows_in`` is the number of items the stage was given."""
    value = {
        "format": FORMAT,
        "stage": identity.stage,
        "shard": identity.shard,
        "table": os.path.relpath(table, sidecar.parent),
        "sha256": sha256 or sha256_of_file(table),
        "bytes": table.stat().st_size,
        "rows": rows,
        "rows_in": rows_in,
        "status": dict(status),
        "reasons": dict(reasons),
        "code": identity.code,
        "settings": digest_of(identity.settings),
        "inputs": {os.path.relpath(path, sidecar.parent): content_of(path) for path in identity.inputs},
        "versions": versions(),
        **more,
    }
    write_json(sidecar, value)
    return value


def set_aside(sidecar: Path, why: str, target: Path | None = None) -> None:
    """Have a sealed table made again at the next run: its sidecar is marked, so that what depends on it is planned, and the table is moved or removed.

    ``target`` is where a damaged table is moved for inspection; without it the table is removed.
    """
    value = read_json(sidecar)
    table = sidecar.parent / value["table"]
    if table.exists():
        if target is None:
            table.unlink()
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(table, target)
    write_json(sidecar, {"stage": value["stage"], "shard": value["shard"], "table": value["table"], "set_aside": why})


def sealed(results: Path) -> list[Path]:
    """All sidecars under a results folder, sorted: of the stages, the dataset and the tables."""
    folders = [
        path for path in results.iterdir() if path.is_dir() and path.name not in ("index", "logs", "benchmarks") and path.name[0] != "."
    ]
    found = [path for folder in folders for path in [*folder.glob("*.json"), *folder.glob("sidecars/*.json")]]
    return sorted(path for path in found if isinstance(value := read_json(path), dict) and {"stage", "shard", "table"} <= set(value))


def total(sidecars: Sequence[Path]) -> dict[str, Any]:
    """Rows, rows in, status and reason counts, added over sidecars."""
    status: Counter[str] = Counter({"ok": 0, "rejected": 0, "failed": 0})
    reasons: Counter[str] = Counter()
    rows = rows_in = 0
    for path in sidecars:
        value = read_json(path)
        status.update(value["status"])
        reasons.update(value["reasons"])
        rows += value["rows"]
        rows_in += value["rows_in"]
    return {"rows": rows, "rows_in": rows_in, "status": dict(status), "reasons": dict(reasons)}
