"""Small made-up training samples, as the samples stage writes them."""

import io
from pathlib import Path
from typing import Any

from PIL import Image

from made_tables import write
from unicedit.training.schema import D2PO, FAILED_EDIT, HALLUCINATION, KINDS, NORMAL, SAMPLES, SFT, TRAIN

PLACES = (("train", SFT), ("train", D2PO), ("validation", None), ("test", None))


def png(number: int, size: tuple[int, int] = (24, 16)) -> bytes:
    """A picture whose colour tells its number."""
    stored = io.BytesIO()
    Image.new("RGB", size, (number * 37 % 256, number * 11 % 256, 128)).save(stored, "PNG")
    return stored.getvalue()


def sample(number: int, kind: str = NORMAL, split: str = TRAIN, purpose: str | None = D2PO, **changes: Any) -> dict[str, Any]:
    """One sample. Its given and true texts differ where its kind says so."""
    changed = kind in (NORMAL, HALLUCINATION)
    right, wrong = (f"Make thing {number} red.", f"把{number}号变红。"), (f"Make thing {number} blue.", f"把{number}号变蓝。")
    given = right if kind == NORMAL else wrong
    rejected = wrong if kind == NORMAL else given
    row: dict[str, Any] = {
        "key": f"sample-{number:04d}",
        "group": f"photo-{number % 7}",
        "split": split,
        "purpose": purpose,
        "kind": kind,
        "held_out": False,
        "source": f"world:1/{10_000 + number}",
        "subtask": ("Color Alteration", "Subject Removal")[number % 2],
        "operation": "recolour",
        "disturbance": "none",
        "source_image": png(number),
        "edit_image": png(number + 100),
        "given_en": given[0],
        "given_cn": given[1],
        "true_en": right[0] if changed else None,
        "true_cn": right[1] if changed else None,
        "other_wordings": [{"en": "Give it red.", "cn": "染成红色。"}] if changed else [],
        "source_caption": "A thing.",
        "edit_caption": "A red thing.",
        "differences": [f"Thing {number} is red."] if changed else ["It is blurred."] if kind == FAILED_EDIT else [],
        "is_changed": changed,
        "rejected_en": rejected[0],
        "rejected_cn": rejected[1],
        "rejected_differences": [f"Thing {number} is blue."],
        "writer": "made-up",
        "status": "ok",
        "reason": None,
        "recipe": "r",
        "inputs": f"i{number}",
    }
    return row | changes


def samples(count: int = 48) -> list[dict[str, Any]]:
    """Samples of every kind and place; one of them failed, one was rejected."""
    rows = [sample(number, KINDS[number % 4], *PLACES[number // 4 % 4]) for number in range(count)]
    rows[5] |= {"status": "failed", "reason": "reply: none (3 attempts)", "source_image": None, "edit_image": None}
    rows[6] |= {"status": "rejected", "reason": "no_verdict: the teacher has no row"}
    return rows


def write_parts(results: Path, rows: list[dict[str, Any]], parts: int = 2) -> list[Path]:
    """The samples' tables and sidecars in ``parts`` parts; returns the tables."""
    size = -(-len(rows) // parts)
    paths = [results / "samples" / f"{part:05d}.parquet" for part in range(parts)]
    for part, path in enumerate(paths):
        write(path, SAMPLES, rows[part * size : (part + 1) * size], "samples", path.stem)
    return paths


def gathered(results: Path, rows: list[dict[str, Any]], parts: int = 2) -> None:
    """The samples in parts, and the training data joined from them."""
    from unicedit.training.training_data import join, seal_files

    paths = write_parts(results, rows, parts)
    count = join(paths, None, results / "verifier" / "data")
    seal_files(results / "verifier", paths, results / "verifier" / "sidecars" / "training_data.json", count, "code", "{}")
