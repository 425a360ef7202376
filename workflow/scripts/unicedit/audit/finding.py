"""What a check found."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["passed", "found", "not checked"]
MOST_EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check. ``count`` of ``of`` things looked at (rows, keys, pictures: ``what``) have the fault; ``examples`` names up to ten, by key where
    there is one; ``said`` is one line for people; ``figures`` are further numbers.
    """

    check: str
    verdict: Verdict
    said: str
    what: str = "rows"
    count: int = 0
    of: int = 0
    examples: tuple[str, ...] = ()
    figures: dict[str, object] = field(default_factory=dict)


def finding(
    check: str, examples: Sequence[str], of: int, said: str, *, what: str = "rows", count: int | None = None, **figures: object
) -> Finding:
    """A finding over faulty things, all named in ``examples`` or counted by ``count``; passed where there is none."""
    number = len(examples) if count is None else count
    return Finding(check, "found" if number else "passed", said, what, number, of, tuple(examples[:MOST_EXAMPLES]), figures)


def not_checked(check: str, why: str) -> Finding:
    """A check that could not be made, and why."""
    return Finding(check, "not checked", why)
