"""What a judge is asked, and what it gives back, whatever runs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from unicedit.map.stage import Row, RowError
from unicedit.provenance import Provenance


@dataclass(frozen=True, slots=True)
class Question:
    """One metric of one edit: both pictures (encoded), the instruction as the model was given it, the reasoning points and what is expected (RA alone).

    Only the simulated world reads ``provenance``.
    """

    key: str
    metric: str
    repeat: int
    source: bytes
    edit: bytes
    instruction: str
    points: tuple[str, ...]
    expected: tuple[str, ...]
    provenance: Provenance


class Judge(Protocol):
    """``judge`` gives the columns of a score a question, in order; a reply that cannot be read is a ``RowError``, never a score."""

    def judge(self, questions: Sequence[Question]) -> list[Row | RowError]: ...
