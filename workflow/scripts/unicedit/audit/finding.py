"""What a check found."""

from collections.abc import Iterable
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


class Faults:
    """Faulty things as they are found: all are counted, the first ten are held."""

    def __init__(self, named: Iterable[str] = ()) -> None:
        self.count = 0
        self.examples: list[str] = []
        for one in named:
            self.append(one)

    def __len__(self) -> int:
        return self.count

    def append(self, named: str) -> None:
        """One more."""
        self.count += 1
        if len(self.examples) < MOST_EXAMPLES:
            self.examples.append(named)


def finding(check: str, faults: Faults, of: int, said: str, *, what: str = "rows", **figures: object) -> Finding:
    """A finding of ``faults`` among ``of`` things; passed where there is none."""
    return Finding(check, "found" if len(faults) else "passed", said, what, len(faults), of, tuple(faults.examples), figures)


def not_checked(check: str, why: str) -> Finding:
    """A check that could not be made, and why."""
    return Finding(check, "not checked", why)
