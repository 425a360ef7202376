"""The event loop in a thread, and requests that share its rounds."""

import asyncio
import gc
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from unicedit.vlm.calls import each
from unicedit.vlm.http import NO_KEY, ChatServer
from unicedit.vlm.loop import LoopThread

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"


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


def test_the_end_does_not_wait_for_a_server_that_reads_nothing() -> None:
    script = """
import asyncio, socket, sys, threading, time
from unicedit.vlm import loop
from unicedit.vlm.http import NO_KEY, ChatServer
loop.CLOSING_SECONDS = 0.5
deaf = socket.create_server(("127.0.0.1", 0))

class Owner:
    pass

owner = Owner()
running = loop.LoopThread(owner)

async def opened():
    return ChatServer(f"http://127.0.0.1:{deaf.getsockname()[1]}/v1", NO_KEY, 4)

server = running.run(opened())
running.at_end(server.close)
threading.Thread(target=lambda: running.run(server.post([bytes(50_000_000)])), daemon=True).start()
time.sleep(1)
"""
    subprocess.run([sys.executable, "-c", script], cwd=SCRIPTS, timeout=60, check=True, capture_output=True)


def test_threads_share_room() -> None:
    owner, room = Owner(), asyncio.Semaphore(3)
    running, most = 0, 0
    done: list[int] = []
    both = threading.Barrier(2)

    async def one(number: int, item: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        done.append(item)

    async def ask(first: int) -> None:
        await asyncio.to_thread(both.wait, 20)
        await each(range(first, first + 20), room, one)

    threads = [threading.Thread(target=lambda first=first: owner.loop.run(ask(first))) for first in (0, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == list(range(40)) and most == 3
    assert {item // 20 for item in done[:20]} == {0, 1}, "neither waits for the other to end"


def test_who_has_all_answers_does_not_wait_for_room() -> None:
    async def both() -> bool:
        room, held = asyncio.Semaphore(2), asyncio.Event()

        async def slow(number: int, item: int) -> None:
            await held.wait()

        async def quick(number: int, item: int) -> None:
            await asyncio.sleep(0)

        first = asyncio.ensure_future(each(range(1), room, slow))
        await asyncio.sleep(0)
        await asyncio.wait_for(each(range(5), room, quick), 5)
        ended = not first.done()
        held.set()
        await first
        return ended

    assert asyncio.run(both())


def test_after_an_error_nothing_begins_and_all_that_began_ends() -> None:
    async def begun() -> tuple[int, int]:
        room, started, ended = asyncio.Semaphore(3), 0, 0

        async def one(number: int, item: int) -> None:
            nonlocal started, ended
            started += 1
            await asyncio.sleep(0.01 * (number % 3))
            ended += 1
            if number == 3:
                raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            await each(range(100), room, one)
        assert room._value == 3
        return started, ended

    started, ended = asyncio.run(begun())
    assert started == ended < 12


def test_what_taking_an_item_raises_comes_once_the_others_have_ended() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise KeyError("no picture")

    done: list[int] = []

    async def one(number: int, item: int) -> None:
        await asyncio.sleep(0.01)
        done.append(item)

    with pytest.raises(KeyError, match="no picture"):
        asyncio.run(each(items(), asyncio.Semaphore(3), one))
    assert done == [1]


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


def test_a_turn_that_came_to_a_cancelled_request_is_the_next_ones() -> None:
    async def last() -> bool:
        server = ChatServer("http://127.0.0.1:1/v1", NO_KEY, 4)
        tasks = [asyncio.ensure_future(server.turn()) for _ in range(3)]
        await asyncio.sleep(0)  # the first has its turn, and gives the second the next one
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.wait_for(server.turn(), 5)
        await server.close()
        return tasks[1].cancelled() and not tasks[2].cancelled()

    assert asyncio.run(asyncio.wait_for(last(), 10))
