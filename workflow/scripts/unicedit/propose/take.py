"""Which proposals become records: as many of each sub-task as are wanted, no picture more often than is allowed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from unicedit.files import digest_of
from unicedit.instruct.reply import normalised
from unicedit.propose.plan import ProposePlan
from unicedit.schema import OK, REJECTED

Proposal = dict[str, Any]


def take(proposals: Sequence[Proposal], plan: ProposePlan) -> list[Proposal]:
    """All proposals in order, those that are not taken ``rejected`` as ``surplus`` or ``used``.

    The sub-task with the fewest proposals comes first. Of one sub-task, pictures that are used least come first, then those with the fewest other proposals, then by lot; an
    instruction that repeats another's words is taken only where nothing else is left.
    """
    settings = plan.settings
    possible = [one for one in proposals if one["status"] == OK]
    supply = {name: [one for one in possible if one["subtask"] == name] for name in plan.names}
    others = Counter(one["image"] for one in possible)
    uses: Counter[str] = Counter()
    taken: set[str] = set()
    for own in sorted(supply.values(), key=len):
        free = [one for one in own if uses[one["image"]] < settings.per_picture]
        free.sort(key=lambda one: (uses[one["image"]], others[one["image"]], digest_of("take", settings.seed, one["key"])))
        for one in _new_words_first(free)[: settings.wanted]:
            taken.add(one["key"])
            uses[one["image"]] += 1
    enough = {name for name, own in supply.items() if sum(one["key"] in taken for one in own) == settings.wanted}
    return [_told(one, one["key"] in taken, one["subtask"] in enough, settings.per_picture) for one in proposals]


def _new_words_first(proposals: Iterable[Proposal]) -> list[Proposal]:
    new: dict[str, Proposal] = {}
    repeated = [one for one in proposals if new.setdefault(normalised(one["instruction_en"]), one) is not one]
    return [*new.values(), *repeated]


def _told(proposal: Proposal, taken: bool, enough: bool, per_picture: int) -> Proposal:
    if taken or proposal["status"] != OK:
        return proposal
    why = (
        "surplus: the sub-task has enough"
        if enough
        else f"used: the picture is in as many records as propose.per_picture allows ({per_picture})"
    )
    return {**proposal, "status": REJECTED, "reason": why}
