"""Carrying requests to a server: so many at once, so many a minute, and again after what passes.

How a request gets there decides no reply, so nothing here is in a recipe.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol, TypeVar

import openai
from aiolimiter import AsyncLimiter
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from unicedit.vlm.ledger import Ledger

log = logging.getLogger(__name__)
Reply = TypeVar("Reply")
One = TypeVar("One")
LONGEST_ASKED = 600.0  # seconds that a server may ask us to wait
_PASSING = (408, 409, 425, 429)
_USUAL_TOKENS = 2000.0  # of a request, until replies tell


class BrokenReplyError(Exception):
    """What came back is no reply of the protocol; the next one may be."""


def passing(error: BaseException) -> bool:
    """Whether the same request may succeed a little later."""
    if isinstance(error, openai.RateLimitError) and error.code == "insufficient_quota":
        return False
    if isinstance(error, openai.APIStatusError):
        return error.status_code in _PASSING or error.status_code >= 500
    kinds = (openai.APIConnectionError, openai.APIResponseValidationError, BrokenReplyError, TimeoutError, json.JSONDecodeError)
    return isinstance(error, kinds)


def asked_to_wait(error: BaseException | None) -> float | None:
    """Seconds that a server asks us to wait (Retry-After, or its finer forms), None where it does not say."""
    if not isinstance(error, openai.APIStatusError):
        return None
    headers = error.response.headers
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        try:
            return min(LONGEST_ASKED, max(0.0, float(headers[name]) * unit))
        except (KeyError, ValueError):
            continue
    return None


async def each(items: Iterable[One], room: asyncio.Semaphore, one: Callable[[int, One], Awaitable[None]]) -> None:
    """Do ``one`` for every item, with its number; an item is taken when there is ``room`` for it, which others may share.

    Raises the first error, once all that had begun has ended: what is on its way is paid for.
    """
    faults: list[Exception] = []

    async def done(number: int, item: One) -> None:
        try:
            await one(number, item)
        except Exception as error:
            faults.append(error)
        finally:
            room.release()

    async def begin() -> bool:
        """Take an item once there is room, and begin with it; False where none is left."""
        await room.acquire()
        try:
            taken = None if faults else next(waiting, None)
        except Exception as error:
            faults.append(error)
            taken = None
        if taken is None:
            room.release()
            return False
        task = asyncio.create_task(done(*taken))
        begun.add(task)
        task.add_done_callback(begun.discard)
        return True

    waiting, begun = enumerate(items), set[asyncio.Task[None]]()
    try:
        while await begin():
            pass
        if begun:
            await asyncio.wait(begun)
    except asyncio.CancelledError:
        for task in begun:
            task.cancel()
        raise
    if faults:
        raise faults[0]


class CallSettings(Protocol):
    """What ``Calls`` is told: limits, patience, and after how many seconds a request is sent a second time beside the first."""

    @property
    def requests_per_minute(self) -> int | None: ...
    @property
    def tokens_per_minute(self) -> int | None: ...
    @property
    def timeout(self) -> float: ...
    @property
    def tries(self) -> int: ...
    @property
    def longest_wait(self) -> float: ...
    @property
    def hedge(self) -> float | None: ...


class Calls:
    """Bounds and repeats the calls of one process."""

    def __init__(self, settings: CallSettings, ledger: Ledger) -> None:
        self.settings, self.ledger = settings, ledger
        self.mean_tokens = _USUAL_TOKENS
        self._not_before = 0.0
        self._jitter = wait_random_exponential(multiplier=0.5, max=settings.longest_wait)
        self._requests = AsyncLimiter(settings.requests_per_minute, 60) if settings.requests_per_minute else None
        self._tokens = AsyncLimiter(settings.tokens_per_minute, 60) if settings.tokens_per_minute else None

    async def made(self, call: Callable[[], Awaitable[Reply]]) -> Reply:
        """The call's result. Raises what the last try raised, or at once what no further try would mend; ``EngineError`` where the budget is spent."""
        settings = self.settings
        retrying = AsyncRetrying(
            stop=stop_after_attempt(settings.tries),
            wait=self._wait,
            retry=retry_if_exception(passing),
            reraise=True,
            before_sleep=self._tell,
        )
        async for attempt in retrying:
            with attempt:
                await self._turn()
                self.ledger.check()
                self.ledger.sent(again=attempt.retry_state.attempt_number > 1)
                return await self._hedged(call)
        raise AssertionError("tenacity neither returned nor raised")

    async def _turn(self) -> None:
        """Wait until the server's pause is over and the limits allow another request."""
        while (left := self._not_before - time.monotonic()) > 0:
            await asyncio.sleep(left)
        if self._requests:
            await self._requests.acquire()
        if self._tokens:
            await self._tokens.acquire(min(self.mean_tokens, self._tokens.max_rate))

    async def _hedged(self, call: Callable[[], Awaitable[Reply]]) -> Reply:
        if self.settings.hedge is None:
            return await self._timed(call)
        first = asyncio.ensure_future(self._timed(call))
        done, _ = await asyncio.wait([first], timeout=self.settings.hedge)
        if done:
            return first.result()
        self.ledger.check()
        self.ledger.sent(again=True)
        racing = {first, asyncio.ensure_future(self._timed(call))}
        try:
            while True:
                done, racing = await asyncio.wait(racing, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    if one.exception() is None or not racing:
                        return one.result()
        finally:
            for one in racing:
                one.cancel()

    async def _timed(self, call: Callable[[], Awaitable[Reply]]) -> Reply:
        """The whole answer must be there in time: a server that sends a byte now and then does not hold a place for ever."""
        async with asyncio.timeout(self.settings.timeout):
            return await call()

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = asked_to_wait(error)
        jitter = self._jitter(state)
        if asked is None:
            return jitter
        if isinstance(error, openai.RateLimitError):
            self._not_before = max(self._not_before, time.monotonic() + asked)  # it speaks to all of us
        return asked + min(jitter, 1.0)

    def _tell(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        pause = state.next_action.sleep if state.next_action else 0.0
        log.info("try %d of %d: %s; again in %.1f s", state.attempt_number, self.settings.tries, told(error), pause)


def told(error: BaseException | None) -> str:
    """An error as a reason: one line without the request, whose headers hold the key."""
    if isinstance(error, openai.APIStatusError):
        return f"HTTP {error.status_code}: {' '.join(str(error.message).split())[:300]}"
    if isinstance(error, TimeoutError):
        return "no whole answer in time"
    if isinstance(error, openai.APIConnectionError):  # the client calls many a broken connection a timeout: what lies under it knows better
        while error.__cause__ is not None:
            error = error.__cause__
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
