"""Where training samples come from, whatever makes them."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from unicedit.map.stage import Compute, Item, Payload, RowError


class SampleSource(Protocol):
    """The samples of one part: which there are (light columns in ``Item.row``), what making them needs, and how they are made."""

    def items(self) -> Iterator[Item]: ...

    def load(self, items: Sequence[Item]) -> Sequence[Payload | RowError]: ...

    def open(self) -> Compute: ...
