"""What a reviewer is shown, whatever is under review, and the port through which it comes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from unicedit.review.decision import Decision


@dataclass(frozen=True, slots=True)
class Text:
    """A text under review: the column it is in, its title on the page, its value (a list where the column holds lines), and its language (a BCP 47 tag).

    Only texts that are there can be corrected: ``value`` None says why there is none in ``absent``.
    """

    name: str
    title: str
    value: str | tuple[str, ...] | None
    language: str
    absent: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing under review.

    ``shown`` is a digest (32 hexadecimal digits) of all that is shown; ``heading`` says what it is, ``claim`` what it claims to be; ``facts`` are pairs of a name and a
    value; ``before`` and ``after`` are encoded pictures.
    """

    key: str
    shown: str
    heading: str
    claim: str
    texts: tuple[Text, ...]
    facts: tuple[tuple[str, str], ...]
    before: bytes
    after: bytes | None


class Queue(Protocol):
    """The things under review in a run, and how decisions on them are written."""

    @property
    def form(self) -> type[Decision]:
        """The class of a decision on one of them."""
        ...

    def keys(self) -> Sequence[str]:
        """Those to be shown, in the order of showing: the same for every reviewer."""
        ...

    def item(self, key: str) -> Item:
        """One of them. Raises ``KeyError`` for a key that the run has not."""
        ...

    def shown(self, keys: Collection[str]) -> dict[str, str]:
        """The digests of what is shown of these, of all that the run has: drawn for showing or not."""
        ...
