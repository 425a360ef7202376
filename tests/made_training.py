"""Training samples made by hand: small pictures of one colour, edits that recolour them."""

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from unicedit.config.d2po import D2poSettings
from unicedit.config.launch import LaunchSettings
from unicedit.config.sft import SftSettings
from unicedit.training.job import TrainingJob, Verifier
from unicedit.training.schema import SAMPLES

COLOURS = {"red": "红", "blue": "蓝", "green": "绿", "white": "白", "black": "黑"}


def png(colour: str, size: tuple[int, int] = (56, 56)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "png")
    return out.getvalue()


def sample(number: int, kind: str, purpose: str, size: tuple[int, int] = (56, 56)) -> dict[str, Any]:
    """A sample: the picture turns from one colour to another (no_edit: stays)."""
    names = list(COLOURS)
    source, target, other = (names[(number * step + shift) % len(names)] for step, shift in ((1, 0), (1, 1), (1, 3)))
    told = f"Make it {target}.", f"变成{COLOURS[target]}色。"
    wrong = f"Make it {other}.", f"变成{COLOURS[other]}色。"
    changed = kind != "no_edit"
    # a normal sample is asked the truth, a hallucination something else; each pair rejects a claim that is wrong
    return {
        "key": f"{purpose}-{kind}-{number:04d}",
        "group": f"photo-{number % 3}",
        "split": "train",
        "purpose": purpose,
        "kind": kind,
        "held_out": False,
        "source": f"world:{number}",
        "subtask": "Color Change",
        "operation": "recolour",
        "disturbance": "none",
        "source_image": png(source, size),
        "edit_image": png(target if changed else source, size),
        "given_en": (wrong if kind == "hallucination" else told)[0],
        "given_cn": (wrong if kind == "hallucination" else told)[1],
        "true_en": told[0] if changed else None,
        "true_cn": told[1] if changed else None,
        "other_wordings": [],
        "source_caption": f"A plain {source} picture.",
        "edit_caption": f"A plain {target if changed else source} picture.",
        "differences": [f"{source} became {target}"] if changed else [],
        "is_changed": changed,
        "rejected_en": told[0] if kind == "no_edit" else wrong[0],
        "rejected_cn": told[1] if kind == "no_edit" else wrong[1],
        "rejected_differences": [f"{source} became {target if kind == 'no_edit' else other}"],
        "writer": "world",
        "reviewer": None,
        "reviewed_at": None,
        "status": "ok",
        "reason": None,
        "recipe": "recipe",
        "inputs": "inputs",
    }


def samples_file(path: Path, rows: int, purpose: str, sizes: tuple[tuple[int, int], ...] = ((56, 56),)) -> Path:
    """A table of ``rows`` samples, of all kinds that the purpose trains on."""
    kinds = ("normal", "no_edit") if purpose == "sft" else ("normal", "no_edit", "hallucination")
    made = [sample(number, kinds[number % len(kinds)], purpose, sizes[number % len(sizes)]) for number in range(rows)]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(made, schema=SAMPLES), path)
    return path


def job(
    base: Path, data: Path, folder: Path, settings: SftSettings | D2poSettings, differential: str = "none", **launch: Any
) -> TrainingJob:
    """A small training in this process."""
    verifier = Verifier(str(base), None, differential, "short", None)  # type: ignore[arg-type]
    return TrainingJob(verifier, data, folder, settings, LaunchSettings(**{"log_steps": 1, "keep_mb": 64, **launch}))
