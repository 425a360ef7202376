"""What batches cost, and how much more may be sent. Each batch has one file among the stage's accounts, named for it: written again it is the same, so that nothing is
counted twice however often a job is killed.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from unicedit.config.batch import BatchSettings
from unicedit.files import write_json
from unicedit.vlm.batch.port import Outcome
from unicedit.vlm.batch.record import Record
from unicedit.vlm.port import VlmReply
from unicedit.vlm.spent import Spent, spent_in


class Accounts:
    """The accounts of a stage in one folder; None: of this process alone, on no file."""

    def __init__(self, folder: Path | None, settings: BatchSettings) -> None:
        self.price, self.budget = settings.price, settings.budget
        self._folder = folder
        self._own: dict[str, Spent] = {}

    def sent(self, record: Record) -> None:
        """A batch is about to be sent."""
        self._write(record, Spent(sent=len(record.keys), repeated=record.again))

    def ended(self, record: Record, outcomes: Iterable[Outcome]) -> None:
        """A batch has ended, with these results."""
        spent = Spent(sent=len(record.keys), repeated=record.again)
        for reply in outcomes:
            if isinstance(reply, VlmReply) and reply.usage:
                tokens = [reply.usage.get(name, 0) for name in ("in", "cached", "out")]
                spent.add(
                    Spent(answered=1, tokens_in=tokens[0], tokens_cached=tokens[1], tokens_out=tokens[2], money=self.price.of(*tokens))
                )
        self._write(record, spent)

    def never_sent(self, record: Record) -> None:
        """A batch was not begun after all."""
        self._write(record, Spent())

    def room(self, running: Sequence[Record]) -> int | None:
        """How many more requests the budget allows, with those that are ``running`` charged at what a request cost so far; None: no limit."""
        if not self.budget.limited:
            return None
        total = self._total()
        left = math.inf if self.budget.requests is None else self.budget.requests - total.sent
        if self.budget.money is not None:
            each = total.money / total.answered if total.answered else 0.0
            money = self.budget.money - total.money - each * sum(len(record.keys) for record in running)
            left = min(left, 0 if money <= 0 else math.floor(money / each) if each else math.inf)
        return None if left == math.inf else max(0, int(left))

    def over(self) -> str:
        """What is said where the budget allows nothing more."""
        total = self._total()
        return (
            f"the budget ends here ({total.sent:,} requests sent, {total.money:,.2f} spent); what was answered is kept: "
            "raise budget.requests or budget.money to go on"
        )

    def _total(self) -> Spent:
        if self._folder:
            return spent_in(self._folder)
        total = Spent()
        for one in self._own.values():
            total.add(one)
        return total

    def _write(self, record: Record, spent: Spent) -> None:
        self._own[record.name] = spent
        if self._folder:
            write_json(self._folder / f"{record.name}.json", asdict(spent))
