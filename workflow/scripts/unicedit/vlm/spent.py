"""Counts of what was asked of a model, one file a process."""

from dataclasses import dataclass, fields
from pathlib import Path

from unicedit.files import read_json


@dataclass(slots=True)
class Spent:
    """Counts. ``sent`` are requests that went out, repeated ones included; ``answered`` those with a reply; ``known`` replies that were in the cache; ``waiting`` those sent in
    batches that have not come back.
    """

    sent: int = 0
    answered: int = 0
    repeated: int = 0
    known: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    money: float = 0.0
    waiting: int = 0

    def add(self, other: "Spent") -> None:
        """Add another's counts."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


def spent_in(folder: Path, without: Path | None = None) -> Spent:
    """The counts of all processes whose files lie in a folder."""
    total = Spent()
    for path in sorted(folder.glob("*.json")):
        if path != without:
            total.add(Spent(**read_json(path)))
    return total
