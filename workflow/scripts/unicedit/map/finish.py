"""What is left to do for computed rows, such as encoding pictures, done in threads beside the computation: a device that computes does not wait for it."""

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from unicedit.map.compute import Result, UnexpectedError
from unicedit.map.stage import Item, RowError, Stage

log = logging.getLogger(__name__)
THREADS = 4
BEHIND = 2  # batches that may be unfinished while the next is computed
Finishing = tuple[list[Item], list["Future[Result]"]]


def finished(stage: Stage, batches: Iterable[tuple[list[Item], list[Result]]]) -> Iterator[tuple[list[Item], list[Result]]]:
    """Batches with finished rows, in order. What was computed before an error comes before the error."""
    if type(stage).finish is Stage.finish:
        yield from batches
        return
    waiting: deque[Finishing] = deque()
    fault: Exception | None = None
    source = iter(batches)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="finish") as pool:
        while True:
            try:
                items, results = next(source)
            except StopIteration:
                break
            except Exception as error:
                fault = error
                break
            waiting.append((items, [pool.submit(_one, stage, result) for result in results]))
            if ready := _ready(waiting):
                yield _joined(ready)
        if waiting:
            yield _joined(list(waiting))
    if fault is not None:
        raise fault


def _ready(waiting: deque[Finishing]) -> list[Finishing]:
    ready = []
    while waiting and (len(waiting) > BEHIND or all(future.done() for future in waiting[0][1])):
        ready.append(waiting.popleft())
    return ready


def _joined(batches: list[Finishing]) -> tuple[list[Item], list[Result]]:
    items = [item for items, _ in batches for item in items]
    return items, [future.result() for _, futures in batches for future in futures]


def _one(stage: Stage, result: Result) -> Result:
    if isinstance(result, RowError):
        return result
    try:
        return stage.finish(result)
    except Exception as error:
        log.warning("a computed row could not be finished: %s", error, exc_info=True)
        return UnexpectedError(f"error: {type(error).__name__}: {error}")
