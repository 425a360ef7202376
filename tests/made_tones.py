"""Samples of the simulated world made by hand: true texts about the tone of a picture, pictures that show nothing of it."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from unicedit.training.schema import SAMPLES
from unicedit.world.grammar import Edit, edit, say

WARM, COOL, BLUR = edit("tone", tone="warm"), edit("tone", tone="cool"), edit("blur")
SIZE = (56, 56)


def told(what: Edit, wording: int = 0) -> tuple[str, str]:
    return say(what, "en", wording), say(what, "cn", wording)


def picture(seed: int, shift: int = 0) -> bytes:
    """Noise of low contrast, ``shift`` grey levels lighter; PNG."""
    values = np.random.default_rng(seed).integers(90, 160, (*SIZE[::-1], 3)) + shift
    out = io.BytesIO()
    Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def sample(number: int, kind: str, **changes: Any) -> dict[str, Any]:
    """A sample of a kind: what happened is a warm tone, what a hallucinated instruction names a cool one, and nothing happened where blur was asked for."""
    given = {"normal": WARM, "hallucination": COOL}.get(kind, BLUR)
    changed = kind in ("normal", "hallucination")
    values = {
        "key": f"{kind}-{number:03d}", "group": "cat", "split": "test", "kind": kind, "held_out": number % 2 == 0, "source": f"world:1/{number % 10:05d}",
        "subtask": "Tone Transformation", "operation": given.operation, "disturbance": "none", "source_image": picture(number),
        "edit_image": picture(number + 1000) if changed or kind == "failed" else picture(number), "given_en": told(given)[0], "given_cn": told(given)[1],
        "true_en": told(WARM, 1)[0] if changed else None, "true_cn": told(WARM, 1)[1] if changed else None, "source_caption": "Noise.",
        "edit_caption": "Other noise.", "differences": [], "is_changed": changed, "writer": "world", "status": "ok",
    }  # fmt: skip
    return {**values, **changes}


def samples_table(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Write samples as their table; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=SAMPLES), path)
    return path
