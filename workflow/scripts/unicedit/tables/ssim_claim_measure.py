"""Measuring the paper's claim on SSIM: pictures with flicker alone, and edits by their size."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from unicedit.errors import PipelineError
from unicedit.evaluation.evaluate import samples
from unicedit.evaluation.readings import read_all
from unicedit.evaluation.score import fault_of, parsed
from unicedit.map.stage import RowError
from unicedit.pictures import decoded
from unicedit.schema import OK
from unicedit.verify.ssim import similarity
from unicedit.world.look import changed, flickered

if TYPE_CHECKING:
    from unicedit.verifier.reader import Reader

MORE_THAN = 12.0  # grey levels: beyond flicker of strength 4, whose noise has a deviation of 2 and whose shift is at most 2
QUIET = ("none", "flicker")  # disturbances under which a changed pixel can be told
EDGES = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0)  # of the share of pixels that an edit changed


@dataclass(frozen=True, slots=True)
class Seen:
    """One pair: its flicker in grey levels or the share of pixels that its edit changed; its similarity; whether each verifier errs (None: it gave no verdict at all)."""

    at: float
    similarity: float
    ssim_errs: bool
    verifier_errs: bool | None


def under_flicker(data: Path, reader: "Reader | None", threshold: float, pictures: int, strengths: Sequence[float]) -> list[Seen]:
    """Pairs of a source picture and itself with flicker: whoever claims a change errs. ``pictures`` different sources, as far as there are so many."""
    chosen: dict[str, dict[str, Any]] = {}
    for chunk in samples(data):
        for sample in chunk:
            if len(chosen) < pictures:
                chosen.setdefault(sample["source"], sample)
        if len(chosen) >= pictures:
            break
    found = []
    for strength in strengths:
        edits = [_with_flicker(sample["source_image"], strength, sample["key"]) for sample in chosen.values()]
        errors = _claims(reader, list(chosen.values()), edits)
        for sample, edit, claims in zip(chosen.values(), edits, errors, strict=True):
            alike = similarity(decoded(sample["source_image"]), decoded(edit))
            found.append(Seen(float(strength), alike, alike < threshold, claims))
    return found


def _with_flicker(picture: bytes, strength: float, key: str) -> bytes:
    stored = io.BytesIO()
    flickered(decoded(picture), strength, "ssim claim", key).save(stored, "PNG")
    return stored.getvalue()


def _claims(reader: "Reader | None", shown: Sequence[Mapping[str, Any]], edits: Sequence[bytes]) -> list[bool | None]:
    """Whether the verifier claims a change, or says nothing that parses; None without a verifier."""
    if reader is None:
        return [None] * len(edits)
    from unicedit.verifier.reader import Pair

    pairs = [
        Pair(sample["key"], sample["source_image"], edit, (sample["given_en"], sample["given_cn"]))
        for sample, edit in zip(shown, edits, strict=True)
    ]
    found: list[bool | None] = []
    for one in read_all(reader, pairs):
        if isinstance(one, RowError):
            raise PipelineError(f"a picture of the test split cannot be read ({one})")
        found.append(fault_of(one.text, reader.form) is not None or parsed(one.text, reader.form).is_changed)
    return found


def by_size(data: Path, verdicts: Mapping[str, bool | None], threshold: float) -> list[Seen]:
    """Edits that took place: whoever says that nothing valid changed errs. ``verdicts``: what the verifier said of each sample's key, None for what does not parse."""
    found = []
    for chunk in samples(data):
        for sample in chunk:
            if not sample["is_changed"] or sample["disturbance"] not in QUIET:
                continue
            source, edit = decoded(sample["source_image"]), decoded(sample["edit_image"])
            if edit.size != source.size:
                continue
            alike = similarity(source, edit)
            said = verdicts[sample["key"]] is not True if sample["key"] in verdicts else None
            found.append(Seen(share_changed(source, edit), alike, alike >= threshold, said))
    return found


def share_changed(source: Image.Image, edit: Image.Image) -> float:
    """Share of the pixels that differ by more than ``MORE_THAN`` grey levels in some channel."""
    return float((np.asarray(changed(source, edit, MORE_THAN)) > 0).mean())


def verdicts_of(evaluation: Path) -> dict[str, bool | None]:
    """What an evaluation says of each sample that it scored: its ``is_changed``, None where the reply did not parse."""
    table = pq.read_table(evaluation, columns=["key", "status", "is_changed"]).to_pylist()
    return {row["key"]: row["is_changed"] for row in table if row["status"] == OK}


def interval_of(share: float) -> int:
    """Which of the intervals between ``EDGES`` a share lies in; the upper edge belongs to it."""
    return max(0, int(np.searchsorted(EDGES, share, side="left")) - 1)
