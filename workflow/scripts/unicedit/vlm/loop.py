"""An event loop in a thread of its own: several threads may wait at once for what runs in it."""

import asyncio
import concurrent.futures
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from typing import Any, TypeVar

from unicedit.map.compute import EngineError

Result = TypeVar("Result")
CLOSING_SECONDS = 5.0  # that calls under way, and then connections, have to end: a server that is gone may not read what it is sent


class LoopThread:
    """The thread, which ends with ``owner``, or with the process: what runs is cancelled, then what was given to ``at_end`` is done."""

    def __init__(self, owner: object) -> None:
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ends = AsyncExitStack()
        self._thread = threading.Thread(target=self._run, daemon=True, name="event loop")
        self._thread.start()
        weakref.finalize(owner, self._close)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        await self._stop.wait()
        if calls := asyncio.all_tasks() - {asyncio.current_task()}:
            for call in calls:
                call.cancel()
            await asyncio.wait(calls, timeout=CLOSING_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._ends.aclose()

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """What the coroutine returns or raises, run in the loop. Where the waiting is ended by a signal, so is the coroutine. Not for use within the loop.

        Raises ``EngineError`` where the loop ends.
        """
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise EngineError("the process ends") from None
        except BaseException:
            future.cancel()
            raise
        finally:
            del future  # an error holds this frame

    def at_end(self, close: Callable[[], Awaitable[None]]) -> None:
        """Have something closed within the loop at the end."""
        self._ends.push_async_callback(close)

    def _close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        if threading.current_thread() is not self._thread:  # the last reference to the owner may go in the loop itself
            self._thread.join(3 * CLOSING_SECONDS)
