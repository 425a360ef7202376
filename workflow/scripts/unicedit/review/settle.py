"""What several reviewers' decisions come to: what is settled, what they disagree on, what waits for another reviewer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic

from unicedit.files import write_text
from unicedit.review.decision import Decision, Form, ReviewError, latest, read_reviews
from unicedit.review.item import Queue


@dataclass
class Settlement(Generic[Form]):
    """By key: the decision that is settled, or the reviewers' decisions that disagree or are too few."""

    settled: dict[str, Form] = field(default_factory=dict)
    disagreed: dict[str, list[Form]] = field(default_factory=dict)
    waiting: dict[str, list[Form]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fresh:
    """Of all that was ``said``, the decisions on what is there as it was shown; how many others are on what has changed since (``stale``), or is gone (``absent``)."""

    said: Sequence[Decision]
    decisions: list[Decision]
    stale: int
    absent: int


def fresh(decisions: Sequence[Decision], queue: Queue) -> Fresh:
    """Leave out decisions on what has changed since, or is in the run no more."""
    now = queue.shown({one.key for one in decisions})
    there = [one for one in decisions if one.key in now]
    kept = [one for one in there if one.shown == now[one.key]]
    return Fresh(decisions, kept, len(there) - len(kept), len(decisions) - len(there))


def settlement(decisions: Iterable[Form], needed: int) -> Settlement[Form]:
    """Settle each thing; give it only decisions that are not stale.

    A decision that was made to settle others' settles; the latest of several. Else the decision, with the same corrected texts, of more than half of its reviewers and of
    ``needed`` at least does.
    """
    by_key: dict[str, list[Form]] = {}
    settling: dict[str, Form] = {}
    said = list(decisions)
    for one in latest(one for one in said if not one.settles).values():
        by_key.setdefault(one.key, []).append(one)
    for one in sorted((one for one in said if one.settles), key=lambda one: (one.when, one.reviewer)):
        settling[one.key] = one
    found: Settlement[Form] = Settlement()
    for key in sorted(by_key.keys() | settling.keys()):
        votes = by_key.get(key, [])
        if key in settling:
            found.settled[key] = settling[key]
        elif len(votes) < needed:
            found.waiting[key] = votes
        elif (agreed := _majority(votes)) and len(agreed) >= needed:
            found.settled[key] = _joint(agreed)
        else:
            found.disagreed[key] = votes
    return found


def _majority(votes: Sequence[Form]) -> list[Form]:
    """Those who say the same, where they are more than half; else none."""
    same = [[other for other in votes if (other.decision, other.texts) == (one.decision, one.texts)] for one in votes]
    most = max(same, key=len)
    return most if 2 * len(most) > len(votes) else []


def _joint(votes: Sequence[Form]) -> Form:
    """The decision of all of them: their names and reasons joined, the time of the last."""
    last = max(votes, key=lambda one: one.when)
    names = "+".join(sorted(one.reviewer for one in votes)[:10])
    reasons = "; ".join(dict.fromkeys(one.reason for one in votes if one.reason))
    return last.model_copy(update={"reviewer": names, "reason": reasons[:5000]})


def write_settled(path: Path, settled: Mapping[str, Form], known: Iterable[Form], form: type[Form]) -> None:
    """Write the settled decisions, a line each in the order of keys. The file follows from the decisions, so it is written anew.

    Raises ``ReviewError`` where it holds what does not: reviews that someone put there by hand or by an import.
    """
    if path.exists():
        said = {(one.key, name) for one in known for name in one.reviewer.split("+")}
        other = next(
            (one for one in read_reviews(path, form) if any((one.key, name) not in said for name in one.reviewer.split("+"))), None
        )
        if other is not None:
            raise ReviewError(
                f"{path}: holds a review by {other.reviewer} that is in no file of decisions; "
                f"move the file among them ({path.parent / 'decisions'}), or settle into another one with --out"
            )
    write_text(path, b"".join(settled[key].line() for key in sorted(settled)).decode())
