"""The truth about an edit of the simulated editor: what evaluation alone may read."""

import io
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from unicedit.files import digest_of
from unicedit.provenance import Provenance
from unicedit.world.chance import noise_source
from unicedit.world.develop import shown
from unicedit.world.editor import develop
from unicedit.world.faults import FaultRates
from unicedit.world.grammar import say
from unicedit.world.look import changed
from unicedit.world.outcome import Outcome, outcome
from unicedit.world.words import CN, EN


def truth_of(provenance: Provenance, faults: FaultRates, flicker: float) -> dict[str, Any]:
    """The columns of ``schema.TRUTH`` but ``key``, for an edit made with these rates and this flicker (grey levels).

    Masks are of the image's size: where pictures rendered without flicker differ by more than the flicker. ``mask``: by the edit alone,
    ``damage_mask``: by what came on top of it. The pixels of a user's photograph are not at hand here: its masks are taken on a textured
    stand-in of its size.
    ``ValueError`` where the provenance has no edit.
    """
    made = provenance.edit
    if made is None:
        raise ValueError(f"{provenance.source}: the provenance names no edit, so there is no truth about one")
    happened = outcome(provenance, made.instruction_en, made.seed, faults)
    size = provenance.image_width, provenance.image_height
    source = shown(happened.before, provenance, None) if happened.before.backdrop is not None else _stand_in(*size)
    clean = Outcome(happened.kind, happened.edit, happened.before, happened.after, happened.after)
    edited = develop(clean, source, provenance, made.seed)
    ended = develop(happened, source, provenance, made.seed)
    true_en, true_cn = true_texts(happened, made.instruction_en)
    return {
        "kind": happened.kind,
        "valid": happened.valid,
        "true_en": true_en,
        "true_cn": true_cn,
        "mask": _png(changed(source, edited, flicker)),
        "damage_mask": _png(changed(edited, ended, flicker)),
    }


def wording_of(instruction: str) -> int:
    """Which wording restates an instruction: chosen by its text."""
    return int(digest_of("wording", instruction)[:8], 16)


def true_texts(happened: Outcome, instruction: str) -> tuple[str | None, str | None]:
    """What really changed, in English and Chinese; None where nothing did."""
    if happened.edit is None:
        return None, None
    wording = wording_of(instruction)
    return say(happened.edit, EN, wording), say(happened.edit, CN, wording)


@lru_cache(maxsize=2)
def _stand_in(width: int, height: int) -> Image.Image:
    small = noise_source("stand-in").integers(20, 236, (max(2, height // 12), max(2, width // 12), 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC).filter(ImageFilter.SHARPEN)


def _png(mask: Image.Image) -> bytes:
    stored = io.BytesIO()
    mask.convert("1", dither=Image.Dither.NONE).save(stored, "PNG")
    return stored.getvalue()
