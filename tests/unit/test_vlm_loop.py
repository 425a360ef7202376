"""The event loop in a thread, and requests that share its rounds."""

import asyncio
import gc
import threading
import time

import pytest

from unicedit.vlm.calls import each
from unicedit.vlm.http import NO_KEY, ChatServer
from unicedit.vlm.loop import LoopThread


class Owner:
    """Has a loop."""

    def __init__(self) -> None:
        self.loop = LoopThread(self)


def loops() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "event loop"]


def test_the_loop_ends_with_its_owner_once_all_is_closed() -> None:
    gc.collect()  # those of other tests
    before, owner, closed = len(loops()), Owner(), list[str]()

    async def close() -> None:
        await asyncio.sleep(0)
        closed.append(threading.current_thread().name)

    async def value() -> int:
        return 7

    owner.loop.at_end(close)
    assert owner.loop.run(value()) == 7 and len(loops()) == before + 1
    del owner
    gc.collect()
    assert closed == ["event loop"] and len(loops()) == before


def test_threads_share_room() -> None:
    owner, room = Owner(), asyncio.Semaphore(3)
    running, most = 0, 0
    done: list[int] = []

    async def one(number: int, item: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        done.append(item)

    def ask(first: int) -> None:
        owner.loop.run(each(range(first, first + 20), 3, one, room))

    threads = [threading.Thread(target=ask, args=(first,)) for first in (0, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == list(range(40)) and most == 3
    assert any(item >= 20 for item in done[:20]), "neither waits for the other to end"


def test_what_a_coroutine_raises_is_raised_where_it_is_waited_for() -> None:
    owner = Owner()

    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        owner.loop.run(fail())


def test_of_requests_that_are_ready_together_one_is_made_a_round() -> None:
    async def rounds() -> tuple[list[int], float]:
        server = ChatServer("http://127.0.0.1:1/v1", NO_KEY, 4)
        now, made = 0, list[int]()

        async def tick() -> None:
            nonlocal now
            while True:
                await asyncio.sleep(0)
                now += 1

        async def one() -> None:
            await server.turn()
            made.append(now)

        ticking = asyncio.ensure_future(tick())
        tasks = [asyncio.ensure_future(one()) for _ in range(10)]
        await asyncio.sleep(0)
        tasks[4].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        start = time.monotonic()
        await server.turn()
        waited = time.monotonic() - start
        ticking.cancel()
        await server.close()
        return made, waited

    made, waited = asyncio.run(rounds())
    assert len(made) == 9 and len(set(made)) == 9, "one was cancelled, the others follow one another"
    assert made[-1] - made[0] <= 10, "no round is left out"
    assert waited < 1.0
