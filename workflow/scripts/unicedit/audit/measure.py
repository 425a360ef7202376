"""The facts of one row: both pictures decoded, hashed and compared."""

from typing import Any

from PIL import Image

from unicedit.audit.facts import FACTS
from unicedit.audit.row import Row
from unicedit.config.ingest import EncodingSettings
from unicedit.ingest.decode import decode
from unicedit.ingest.hashes import perceptual_hashes, pixel_digest
from unicedit.map.stage import RowError
from unicedit.pictures import encoded
from unicedit.triplets.limits import Limits
from unicedit.verify.ssim import similarity

LIMITS = Limits()
SMALLEST = 11  # pixels a side: the window of SSIM
SHORT = 20


def measure(row: Row) -> dict[str, Any]:
    """The row's facts. What cannot be read is a fact too."""
    facts: dict[str, Any] = dict.fromkeys(FACTS.names) | {
        "place": row.place,
        "fault": row.fault,
        "key": row.key,
        "task": row.task,
        "subtask": row.subtask,
        "instruction_en": row.instruction_en,
        "instruction_cn": row.instruction_cn,
    }
    if row.fault is not None:
        return facts
    source, edit = _picture("source", row.source, facts), _picture("edit", row.edit, facts)
    if source and edit and min(*source.size, *edit.size) >= SMALLEST:
        facts["similarity"] = round(similarity(source, edit), 6)
    return facts


def _picture(which: str, content: bytes | RowError | None, facts: dict[str, Any]) -> Image.Image | None:
    """Decode a picture and note its facts; None where it cannot be read."""
    try:
        if not isinstance(content, bytes):
            raise content or RowError("no_picture: none was read")
        found = decode(content, LIMITS.max_file_mb, LIMITS.max_megapixels)
    except RowError as error:
        facts[f"{which}_fault"] = str(error)
        return None
    phash, mirror = perceptual_hashes(found.image)
    noted = {
        "format": found.format,
        "width": found.image.width,
        "height": found.image.height,
        "pixels": pixel_digest(found.image)[:SHORT],
        "phash": phash,
        "phash_mirror": mirror,
    }
    facts.update({f"{which}_{name}": value for name, value in noted.items()})
    return found.image


def as_png(content: bytes) -> bytes:
    """A picture of any format that is read, as PNG: what a verifier is shown. Raises ``RowError``."""
    return encoded(decode(content, LIMITS.max_file_mb, LIMITS.max_megapixels).image, EncodingSettings(format="png", compress_level=1))
