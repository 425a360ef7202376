"""A provider's batch API as an engine: asks for many replies at once, and waits for them, if need be in another process than began it."""

import logging
import os
from collections.abc import Sequence, Set
from pathlib import Path

from unicedit.config.batch import BatchSettings
from unicedit.map.compute import EngineError
from unicedit.vlm.batch.accounts import Accounts
from unicedit.vlm.batch.carrier import Carrier
from unicedit.vlm.batch.port import GoneError, PassingError, Provider, Unanswered
from unicedit.vlm.cache import ReplyCache, keys_of
from unicedit.vlm.completion import answers_as
from unicedit.vlm.ledger import Ledger
from unicedit.vlm.port import Arrived, VlmEngine, VlmReply, VlmRequest, unheard

log = logging.getLogger(__name__)


class BatchEngine(VlmEngine):
    """Sends what is asked as few batches and polls them. A request that is refused, is too large, or that ``tries`` batches left unanswered is a reply with a ``failure``.

    What is sent stands in a record first (``cache``/batches), so that a killed job, run again, waits for the same batches, sends nothing twice and counts nothing
    twice. Raises ``EngineError``, and nothing else, where no request can succeed or there is nothing left but to stop: a row tried alone would be a batch of its own.
    """

    def __init__(self, settings: BatchSettings, cache: Path | None, usage: Path | None) -> None:
        if cache is None:
            raise EngineError("the engine `batch` needs a folder for replies: a job that is killed while it waits finds its batch there")
        self.settings = settings
        provider = _provider(settings)
        self.identity = provider.identity
        self.cache = self._known = ReplyCache(cache, Ledger(usage, settings.price, settings.budget).found)
        self._carrier = Carrier(provider, settings, cache / "batches", Accounts(usage, settings))
        self._delivered: set[str] = set()

    def reply(self, requests: Sequence[VlmRequest], arrived: Arrived = unheard) -> list[VlmReply]:
        """A reply to each request, in order."""
        try:
            return self._all(requests, arrived)
        except EngineError:
            raise
        except (PassingError, GoneError) as error:
            raise EngineError(f"the provider does not answer: {error}; run again, what was sent is not sent twice") from error
        except Exception as error:
            log.exception("a batch cannot be handled")
            raise EngineError(
                f"a batch cannot be handled ({type(error).__name__}: {error}); run again, what was sent is not sent twice"
            ) from error

    def _all(self, requests: Sequence[VlmRequest], arrived: Arrived) -> list[VlmReply]:
        places: dict[str, list[int]] = {}
        for number, key in enumerate(keys_of(self.identity, requests)):
            places.setdefault(key, []).append(number)
        waiting = {key: requests[numbers[0]] for key, numbers in places.items()}
        replies: dict[int, VlmReply] = {}

        def deliver(key: str, reply: VlmReply) -> None:
            del waiting[key]
            self._delivered.add(key)
            for number in places[key]:
                replies[number] = reply
                arrived(number, reply)

        while True:
            self._carrier.look()
            kept = self._kept(self._carrier.closed & set(waiting))
            self._carrier.closed.clear()
            for key in list(waiting):
                if reply := self._answer(key) or kept.get(key):
                    deliver(key, reply)
            running = self._carrier.running(waiting)
            under_way = {key for record in running for key in record.keys}
            for key, reply in self._carrier.send({key: request for key, request in waiting.items() if key not in under_way}, running):
                deliver(key, reply)
            if not waiting:
                return [replies[number] for number in range(len(requests))]
            self._carrier.watch(self._carrier.running(waiting))

    def _kept(self, keys: Set[str]) -> dict[str, VlmReply]:
        """The replies that other processes took from batches that were waited for here too. Where one did not fit there is none, and its request is sent."""
        if not keys:
            return {}
        self._known.refresh()
        found = {key: self._known.get(key) for key in keys}
        self._known.account()
        return {key: reply for key, reply in found.items() if reply is not None}

    def settled(self) -> None:
        """What was delivered is final, so another asking of the same (``make retry``) is a new one."""
        try:
            # the newest first: replies that did not fit lead to the questions of later batches
            for record in reversed(list(self._carrier.records)):
                keys = self._delivered & set(record.keys)
                if keys - record.settled:
                    record.settle(keys - record.settled)
                if keys and record.state and all(key in record.settled or self._known.holds(key) for key in record.keys):
                    self._carrier.close(record)
        except OSError as error:
            raise EngineError(f"the record of a batch cannot be written: {error}") from error
        self._delivered.clear()

    def _answer(self, key: str) -> VlmReply | None:
        """What earlier batches say to a request; None where it is under way, or to be sent."""
        tries, why = 0, ""
        for record in self._carrier.asked(key):
            if not record.state:
                return None
            outcome = self._carrier.outcomes(record).get(key, Unanswered("its line is missing in the results"))
            if isinstance(outcome, VlmReply):
                if outcome.text and not answers_as(self.settings, outcome.model):
                    raise EngineError(
                        f"asked for the model {self.settings.model}, the provider answers as {outcome.model}; if that is right, set answers_as: {outcome.model}"
                    )
                return outcome
            tries, why = tries + record.counted, outcome.why
        if tries < self.settings.tries:
            return None
        return VlmReply("", str(self.settings.model), failure=f"no answer: {why} ({tries} batches)")


def _provider(settings: BatchSettings) -> Provider:
    key = os.environ.get(settings.key_name, "").strip()
    if not key and settings.base_url is None:
        raise EngineError(
            f"the environment variable {settings.key_name} holds no key; set it where the job runs, or name another in key_variable"
        )
    if settings.provider == "gemini":
        from unicedit.vlm.batch.gemini import GeminiBatches

        return GeminiBatches(settings, key or "none")
    from unicedit.vlm.batch.openai import OpenAiBatches

    return OpenAiBatches(settings, key or "none")
