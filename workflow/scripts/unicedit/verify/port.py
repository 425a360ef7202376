"""What a verifier is asked, and what it gives back, whatever runs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from unicedit.map.stage import Row, RowError
from unicedit.provenance import Provenance


@dataclass(frozen=True, slots=True)
class Case:
    """One edit to verify: both pictures (encoded) and the instruction. Only the simulated world reads ``provenance``."""

    key: str
    source: bytes
    edit: bytes
    instruction_en: str
    instruction_cn: str
    provenance: Provenance


class Verifier(Protocol):
    """``verify`` gives the columns of a verdict (or a score for the stage to decide on) a case, in order."""

    def verify(self, cases: Sequence[Case]) -> list[Row | RowError]: ...
