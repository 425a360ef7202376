"""The page's data: scripts that each hand over a chunk of rows, for a page from the file system may load scripts but fetch nothing."""

import json
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

CHUNK_ROWS = 250
_SAFE = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def script_json(value: Any) -> str:
    """JSON that means the same as a script, and in which no markup can begin or end: ASCII alone, without ``<``, ``>`` and ``&``."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":")).translate(_SAFE)


def write_chunks(rows: Iterable[dict[str, Any]], folder: Path) -> list[str]:
    """Write rows as ``0000.js``, ``0001.js``, … under ``folder``; returns the names. Memory holds one chunk."""
    names: list[str] = []
    coming = iter(rows)
    folder.mkdir(parents=True, exist_ok=True)
    while chunk := list(islice(coming, CHUNK_ROWS)):
        name = f"{len(names):04d}.js"
        (folder / name).write_text(f"unicedit.take({script_json(chunk)});\n", encoding="ascii")
        names.append(name)
    return names
