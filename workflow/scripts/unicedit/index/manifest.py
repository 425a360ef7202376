"""The manifest of a shard: what its ingest job reads. Without times, which change when nothing else does."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from unicedit.config.library import LibrarySettings
from unicedit.files import read_json, write_json


def manifest_path(folder: Path, shard: str) -> Path:
    """Where a shard's manifest lies."""
    return folder / f"{shard}.json"


def write_manifests(
    shards: dict[str, dict[str, Any]], changed: Iterable[str], settings: LibrarySettings, folder: Path, overlay: Path | None
) -> dict[str, Path]:
    """Write the manifests of ``changed`` shards, and those that are missing or say otherwise than the settings do, if they really differ.

    With ``overlay`` (a dry run) they are written there, and ``folder`` stays as it is; returns the overlaid ones by shard.
    """
    overlaid: dict[str, Path] = {}
    described = {"columns": settings.columns.model_dump(), "origin": settings.origin, "licence": settings.licence}
    changed = set(changed)
    for shard, content in shards.items():
        path = manifest_path(folder, shard)
        if shard not in changed and path.exists() and {name: content.get(name) for name in described} == described:
            continue
        content.update(described)
        manifest = _manifest(shard, content)
        if path.exists() and read_json(path) == manifest:
            continue
        if overlay is None:
            write_json(path, manifest)
        else:
            overlaid[shard] = manifest_path(overlay, shard)
            overlaid[shard].write_text(json.dumps(manifest), encoding="utf-8")
    return overlaid


def _manifest(shard: str, content: dict[str, Any]) -> dict[str, Any]:
    return {
        "shard": shard,
        **{name: content[name] for name in ("generation", "kind", "root", "columns", "origin", "licence")},
        "entries": [{name: value for name, value in entry.items() if name not in ("mtime", "fingerprint")} for entry in content["entries"]],
    }
