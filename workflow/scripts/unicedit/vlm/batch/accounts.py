"""What batches cost, and how much more may be sent. Each batch has one file among the stage's accounts, named for it: written again it is the same, so that nothing is
counted twice however often a job is killed.
"""

import math
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from unicedit.config.batch import BatchSettings
from unicedit.files import write_json
from unicedit.vlm.batch.port import Outcome
from unicedit.vlm.batch.record import Record
from unicedit.vlm.port import VlmReply
from unicedit.vlm.spent import Spent, spent_in

USUAL_TOKENS = 3000  # sent with a request, until replies tell


class Accounts:
    """The accounts of a stage in one folder; None: of this process alone, on no file."""

    def __init__(self, folder: Path | None, settings: BatchSettings) -> None:
        self.price, self.budget, self.max_tokens = settings.price, settings.budget, settings.max_tokens
        self._folder = folder
        self._own: dict[str, Spent] = {}

    @property
    def folder(self) -> str:
        """The folder, as a record names it; empty where there is none."""
        return str(self._folder.absolute()) if self._folder else ""

    def sent(self, record: Record) -> None:
        """A batch is about to be sent."""
        self._write(record, Spent(sent=len(record.keys), repeated=record.again, waiting=len(record.keys)))

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

    def room(self) -> int | None:
        """How many more requests the budget allows; None: no limit. What waits, in other jobs too, is charged at what a request cost so far, and until that is known
        at a usual request with the longest reply, so that many jobs that begin together do not spend it many times.
        """
        if not self.budget.limited:
            return None
        total = self._total()
        left = math.inf if self.budget.requests is None else self.budget.requests - total.sent
        if self.budget.money is not None:
            each = total.money / total.answered if total.answered else self.price.of(USUAL_TOKENS, 0, self.max_tokens)
            affordable = (self.budget.money - total.money - each * total.waiting) / each if each else math.inf
            if not total.sent and self.budget.money > 0:
                affordable = max(1, affordable)  # or it would never be known
            left = min(left, affordable)
        return None if left == math.inf else max(0, math.floor(left))

    def waits(self) -> bool:
        """Whether a batch, of any job of the stage, has not come back."""
        return self._total().waiting > 0

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
        # whoever sent it pays, also where another stage asks the same and sees it end first
        folder = Path(record.accounts) if record.accounts and Path(record.accounts).is_dir() else self._folder
        if folder:
            write_json(folder / f"{record.name}.json", asdict(spent))
