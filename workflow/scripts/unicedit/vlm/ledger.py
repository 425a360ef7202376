"""What a stage asked of a model and what that cost, over all jobs of a run; and where the budget ends.

Each process writes one small file of its own, so that jobs on many nodes never write one file together.
"""

import os
import socket
import threading
import time
import uuid
from dataclasses import asdict
from pathlib import Path

from unicedit.config.openai import BudgetSettings, PriceSettings
from unicedit.files import write_json
from unicedit.map.compute import EngineError
from unicedit.vlm.spent import Spent, spent_in

WRITE_SECONDS = 2.0
LOOK_SECONDS = 10.0  # between two looks at what the other jobs spent


class Ledger:
    """The accounts of one process, among those of a stage in one folder; None: on its own, and on no file."""

    def __init__(self, folder: Path | None, price: PriceSettings, budget: BudgetSettings) -> None:
        self.price, self.budget = price, budget
        self.own = Spent()
        self._folder = folder
        self._path = (folder or Path()) / f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.json"
        self._others = Spent()
        self._written = self._looked = -1e9
        self._writing = threading.Lock()

    def check(self) -> None:
        """Before a request is sent. Raises ``EngineError`` where the budget is spent, by this job and the others together."""
        if not self.budget.limited:
            return
        if self._folder and time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            self._others = spent_in(self._folder, without=self._path)
        sent, money = self.own.sent + self._others.sent, self.own.money + self._others.money
        if self.budget.requests is not None and sent >= self.budget.requests:
            raise EngineError(
                f"the budget of {self.budget.requests:,} requests is spent; what was answered is kept: raise budget.requests to go on"
            )
        if self.budget.money is not None and money >= self.budget.money:
            raise EngineError(
                f"the budget of {self.budget.money:,.2f} is spent ({money:,.2f}); what was answered is kept: raise budget.money to go on"
            )

    def sent(self, *, again: bool) -> None:
        """A request goes out."""
        self.own.sent += 1
        self.own.repeated += again
        self.write()

    def answered(self, tokens_in: int, tokens_cached: int, tokens_out: int, money: float = 0.0) -> None:
        """A reply came, which cost ``money`` beside its tokens."""
        self.own.answered += 1
        self.own.tokens_in += tokens_in
        self.own.tokens_cached += tokens_cached
        self.own.tokens_out += tokens_out
        self.own.money += money + self.price.of(tokens_in, tokens_cached, tokens_out)
        self.write()

    def found(self, known: int) -> None:
        """So many replies were in the cache, all in all."""
        if known != self.own.known:
            self.own.known = known
            self.write(force=True)

    def write(self, *, force: bool = False) -> None:
        """Write the counts, now and then."""
        if self._folder and (force or time.monotonic() - self._written > WRITE_SECONDS):
            with self._writing:  # of two threads, the later one writes the later counts
                self._written = time.monotonic()
                write_json(self._path, asdict(self.own))
