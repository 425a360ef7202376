"""What an editor is asked, and what it gives back, whatever runs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from unicedit.provenance import Provenance


@dataclass(frozen=True, slots=True)
class EditRequest:
    """One edit: a source picture (RGB), the instruction in English and Chinese, the seed. Only the simulated world reads ``provenance``."""

    key: str
    image: Image.Image
    instruction_en: str
    instruction_cn: str
    seed: int
    provenance: Provenance


class Editor(Protocol):
    """``edit`` gives one RGB picture a request, in order."""

    def edit(self, requests: Sequence[EditRequest]) -> list[Image.Image]: ...
