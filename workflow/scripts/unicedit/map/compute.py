"""Computing batches: bounded retries, failure by row, in this process or in worker processes (design section 4)."""

import logging
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import chain
from queue import Empty, Full, Queue
from typing import Any

from unicedit.errors import PipelineError
from unicedit.map.devices import visible_devices
from unicedit.map.stage import Batch, Compute, Item, Payload, Row, RowError, Stage

log = logging.getLogger(__name__)
Result = list[Row] | RowError
Loaded = tuple[list[Item], list[Payload]]


class EngineError(PipelineError):
    """The engine itself is unusable (a missing model, a wrong setting): the job stops, no row is blamed for it."""


class UnexpectedError(RowError):
    """A row's computation raised something that is not a ``RowError``, or ended its process."""


def attempt(compute: Compute, batch: Batch, retries: int) -> list[Result]:
    """Compute a batch. If it raises, each item is tried alone, ``1 + retries`` times at most, and then becomes a ``RowError``."""
    try:
        return _checked(compute, batch)
    except EngineError:
        raise
    except Exception as error:
        log.warning("a batch of %d failed (%s: %s); its rows are tried alone", len(batch), type(error).__name__, error)
    results: list[Result] = []
    for one in batch:
        for tried in range(1 + retries):
            try:
                results += _checked(compute, [one])
                break
            except EngineError:
                raise
            except Exception as error:
                if tried == retries:
                    log.warning("%s: %s", one[0].key, error, exc_info=True)
                    results.append(error if isinstance(error, RowError) else UnexpectedError(f"error: {type(error).__name__}: {error}"))
    return results


def _checked(compute: Compute, batch: Batch) -> list[Result]:
    ready = [(item, payload) for item, payload in batch if not isinstance(payload, RowError)]
    computed = iter(compute(ready)) if ready else iter(())
    results: list[Result] = [payload if isinstance(payload, RowError) else next(computed) for _, payload in batch]
    if next(computed, None) is not None:
        raise EngineError("the engine gave more results than it was asked for")
    return results


def ahead(source: Iterable[Any], depth: int) -> Iterator[Any]:
    """Iterate ``source`` in a thread, ``depth`` elements ahead of the consumer. An error there is raised here."""
    queue: Queue[Any] = Queue(maxsize=depth)
    stop = threading.Event()
    end = object()

    def put(value: Any) -> None:
        while not stop.is_set():
            try:
                return queue.put(value, timeout=0.2)
            except Full:
                continue

    def read() -> None:
        try:
            for value in source:
                put((value, None))
                if stop.is_set():
                    return
            put((end, None))
        except BaseException as error:
            put((end, error))

    thread = threading.Thread(target=read, daemon=True, name="ahead")
    thread.start()
    try:
        while True:
            try:
                value, error = queue.get(timeout=1.0)
            except Empty:
                continue
            if error is not None:
                raise error
            if value is end:
                return
            yield value
    finally:
        stop.set()
        thread.join()


def loaded(stage: Stage, items: Sequence[Item]) -> Iterator[Loaded]:
    """Batches of items with what computing them needs."""
    for start in range(0, len(items), stage.batch_size):
        batch = list(items[start : start + stage.batch_size])
        yield batch, list(stage.load(batch))


def in_process(
    stage: Stage, batches: Iterable[Loaded], retries: int, closing: threading.Event
) -> Iterator[tuple[list[Item], list[Result]]]:
    """Compute in this process, as many batches at once as the stage says; the engine is opened while the first is read. Results in order.

    What was computed before an error comes before the error. Once ``closing`` is set no batch begins; those under way still come.
    """
    source = iter(batches)
    reading = in_thread(next, source, None)
    compute = stage.open()
    read = chain([reading.result()], source)
    del reading  # or it would hold the first batch to the end
    if stage.batches_at_once == 1:
        while not closing.is_set() and (batch := next(read, None)) is not None:
            yield batch[0], attempt(compute, list(zip(*batch, strict=True)), retries)
        return
    running: deque[tuple[list[Item], Future[list[Result]]]] = deque()
    fault: Exception | None = None
    future: Future[list[Result]] | None = None
    try:
        while True:
            try:
                while fault is None and len(running) < stage.batches_at_once and not closing.is_set():
                    if (batch := next(read, None)) is None:
                        break
                    running.append((batch[0], in_thread(attempt, compute, list(zip(*batch, strict=True)), retries)))
            except Exception as error:
                fault = error
            if not running:
                break
            items, future = running.popleft()
            try:
                results = future.result()
            except Exception as error:
                fault = fault or error
            else:
                yield items, results
        if fault is not None:
            raise fault
    finally:
        fault = future = None  # an error holds this frame: a cycle would keep the engine


def in_thread(work: Callable[..., Any], *arguments: Any) -> "Future[Any]":
    """Do it in a thread that the end of the process does not wait for, as it would for that of a pool: a run that must end at once gives it up."""
    future: Future[Any] = Future()
    threading.Thread(target=_do, args=(future, work, arguments), daemon=True, name="compute").start()
    return future


def _do(future: "Future[Any]", work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        future.set_result(work(*arguments))
    except BaseException as error:
        future.set_exception(error)
    finally:
        del future  # as a pool does it: an error holds this frame


_worker_stage: Stage | None = None
_worker_compute: Compute | None = None


def _start_worker(stage: Stage, devices: "multiprocessing.queues.Queue[str]") -> None:
    global _worker_stage
    device = devices.get()
    if device:
        os.environ["CUDA_VISIBLE_DEVICES"] = device
    _worker_stage = stage


def _open() -> None:
    """Open the engine, once a worker. Not in the pool's initializer: an error there would only be told as a broken pool."""
    global _worker_compute
    assert _worker_stage is not None
    _worker_compute = _worker_compute or _worker_stage.open()


def _work(items: list[Item], payloads: list[Payload], retries: int) -> list[Result]:
    _open()
    assert _worker_compute is not None
    return attempt(_worker_compute, list(zip(items, payloads, strict=True)), retries)


class Workers:
    """Worker processes, each with one of the job's GPUs, in turn, where there are any; batches go to whichever is free.

    When a worker dies, the batches in flight are computed again one item at a time; an item that kills its worker again is recorded as failed. What the
    engine raises as it opens is raised here; ``EngineError`` where a worker died of opening it.
    """

    def __init__(self, stage: Stage, count: int, retries: int) -> None:
        self.stage = stage
        self.count = count
        self.retries = retries

    def _pool(self, count: int) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        devices = context.Queue()
        visible = visible_devices()
        for number in range(count):
            devices.put(visible[number % len(visible)] if visible else "")
        return ProcessPoolExecutor(count, mp_context=context, initializer=_start_worker, initargs=(self.stage, devices))

    def compute(self, batches: Iterable[Loaded], closing: threading.Event) -> Iterator[tuple[list[Item], list[Result]]]:
        """Results as they come, in no particular order. Once ``closing`` is set no batch begins; those under way still come."""
        source = iter(batches)
        exhausted = False
        while not exhausted:
            with self._pool(self.count) as pool:
                running: dict[Future[list[Result]], Loaded] = {}
                try:
                    while True:
                        while not exhausted and len(running) < 2 * self.count:
                            batch = None if closing.is_set() else next(source, None)
                            if batch is None:
                                exhausted = True
                            else:
                                running[pool.submit(_work, *batch, self.retries)] = batch
                        if not running:
                            break
                        done, _ = wait(running, return_when=FIRST_COMPLETED)
                        for future in done:
                            results = future.result()
                            yield running.pop(future)[0], results
                except BrokenProcessPool:
                    survivors = list(running.values())
                    log.warning("a worker died; %d batches in flight are computed again, one row at a time", len(survivors))
                else:
                    survivors = []
            for items, payloads in survivors:
                for item, payload in zip(items, payloads, strict=True):
                    yield [item], [self._alone(item, payload)]

    def _alone(self, item: Item, payload: Payload) -> Result:
        with self._pool(1) as pool:
            try:
                pool.submit(_open).result()
            except BrokenProcessPool as error:
                raise EngineError(
                    f"{self.stage.name}: a worker died while its engine was opened (killed for memory?); map.workers: 0 shows what it says"
                ) from error
            try:
                return pool.submit(_work, [item], [payload], self.retries).result()[0]
            except BrokenProcessPool:
                return UnexpectedError("worker_died: computing this row ended its process")


def computed(
    stage: Stage, items: Sequence[Item], *, workers: int, prefetch: int, retries: int, closing: threading.Event
) -> Iterator[tuple[list[Item], list[Result]]]:
    """Compute ``items`` in batches; reading runs ahead of computing. ``closing``: no batch should begin any more."""
    if not items:
        return iter(())
    batches = ahead(loaded(stage, items), prefetch)
    return Workers(stage, workers, retries).compute(batches, closing) if workers else in_process(stage, batches, retries, closing)
