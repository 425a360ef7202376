"""What an editor is asked, and what it gives back, whatever runs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from PIL import Image

from unicedit.map.stage import RowError
from unicedit.provenance import Provenance


@dataclass(frozen=True, slots=True)
class EditRequest:
    """One edit: a source picture (RGB), the instruction in English and Chinese, the seed.

    ``key`` is the edit's; ``instruction`` is the instruction's key and ``subtask`` its sub-task, by which finished pictures are found. Only the simulated world
    reads ``provenance``.
    """

    key: str
    image: Image.Image
    instruction_en: str
    instruction_cn: str
    seed: int
    provenance: Provenance
    instruction: str = ""
    subtask: str = ""

    def said(self, language: Literal["en", "cn"]) -> str:
        """The instruction in a language."""
        return self.instruction_en if language == "en" else self.instruction_cn


Edited = Image.Image | RowError


class Editor(Protocol):
    """``edit`` gives one RGB picture a request, in order, or a ``RowError`` where there is none. It raises only when the editor itself is unusable."""

    def edit(self, requests: Sequence[EditRequest]) -> Sequence[Edited]: ...
