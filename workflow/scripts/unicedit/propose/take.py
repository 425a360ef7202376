"""Which proposals become records: as many of each sub-task as are wanted, evenly where there are too few, no picture more often than is allowed."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from unicedit.config.propose import ProposeSettings
from unicedit.files import digest_of
from unicedit.instruct.reply import normalised
from unicedit.propose.plan import ProposePlan
from unicedit.schema import OK, REJECTED

Proposal = dict[str, Any]


def take(proposals: Sequence[Proposal], plan: ProposePlan) -> list[Proposal]:
    """All proposals in order, those that are not taken ``rejected`` as ``surplus`` or ``used``.

    Sub-tasks take one each in turn, so that where pictures are scarce no sub-task has all and another none; one that finds its pictures used has another sub-task change to a
    picture of its own, where that is possible (augmenting paths: no other choice gives the poorest sub-task more). Pictures with few other proposals go first, then by lot; an
    instruction that repeats another's words is taken only where nothing else is left.
    """
    settings = plan.settings
    taking = _Taking([one for one in proposals if one["status"] == OK], plan)
    open_ = list(plan.names)
    for _ in range(settings.wanted):
        open_ = [name for name in open_ if taking.claim(name)]  # one that cannot have more now cannot later
    return [_told(one, one["key"] in taking.taken, one["subtask"] in open_, settings) for one in proposals]


class _Taking:
    """What is taken so far, by picture."""

    def __init__(self, possible: Sequence[Proposal], plan: ProposePlan) -> None:
        self.per_picture = plan.settings.per_picture
        self.held: defaultdict[str, list[Proposal]] = defaultdict(list)
        self.taken: set[str] = set()
        others = Counter(one["image"] for one in possible)
        ranked = sorted(possible, key=lambda one: (others[one["image"]], digest_of("take", plan.settings.seed, one["key"])))
        self.supply: dict[str, list[Proposal]] = {name: [] for name in plan.names}
        self.repeats: set[str] = set()  # say what another of their sub-task says
        words: set[tuple[str, str]] = set()
        for one in ranked:
            self.supply[one["subtask"]].append(one)
            said = (one["subtask"], normalised(one["instruction_en"]))
            if said in words:
                self.repeats.add(one["key"])
            words.add(said)

    def claim(self, subtask: str, asked: set[str] | None = None) -> bool:
        """Take one proposal more of a sub-task, if need be by having another, but none of ``asked``, take one in place of one of its own."""
        asked = asked if asked is not None else set()
        asked.add(subtask)
        left = [one for one in self.supply[subtask] if one["key"] not in self.taken]
        free = [one for one in left if len(self.held[one["image"]]) < self.per_picture]
        if free:
            self._take(min(free, key=lambda one: (one["key"] in self.repeats, len(self.held[one["image"]]))))
            return True
        for one in left:
            for holder in list(self.held[one["image"]]):
                if holder["subtask"] not in asked and self.claim(holder["subtask"], asked):
                    self.held[one["image"]].remove(holder)
                    self.taken.remove(holder["key"])
                    self._take(one)
                    return True
        return False

    def _take(self, proposal: Proposal) -> None:
        self.held[proposal["image"]].append(proposal)
        self.taken.add(proposal["key"])


def _told(proposal: Proposal, taken: bool, enough: bool, settings: ProposeSettings) -> Proposal:
    if taken or proposal["status"] != OK:
        return proposal
    why = (
        "surplus: the sub-task has enough"
        if enough
        else f"used: the picture is in as many records as propose.per_picture allows ({settings.per_picture})"
    )
    return {**proposal, "status": REJECTED, "reason": why}
