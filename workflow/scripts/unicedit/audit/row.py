"""One row of an audited dataset, as it was read."""

from dataclasses import dataclass

from unicedit.map.stage import RowError


@dataclass(frozen=True, slots=True)
class Row:
    """Texts are None where the dataset has none; ``fault`` says why the row cannot be read at all; pictures are encoded, or say why there
    is none, and are None only beside a ``fault``.
    """

    place: str  # file::row, the file relative to the dataset's root
    fault: str | None = None
    key: str | None = None
    task: str | None = None
    subtask: str | None = None
    instruction_en: str | None = None
    instruction_cn: str | None = None
    source: bytes | RowError | None = None
    edit: bytes | RowError | None = None
