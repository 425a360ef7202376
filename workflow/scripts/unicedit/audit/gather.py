"""The facts of a whole dataset, measured file by file; what an earlier audit measured of the same files is kept."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from unicedit.audit.dataset import Dataset
from unicedit.audit.measure import measure
from unicedit.audit.row import Row
from unicedit.audit.store import Facts, write_facts
from unicedit.audit.verdicts import Verdicts
from unicedit.digest import closure, digest_modules
from unicedit.errors import PipelineError
from unicedit.files import digest_of
from unicedit.recipe import PLUMBING

CHUNK = 64  # rows in memory at once, with their pictures
Say = Callable[[float, int], None]  # share of the dataset's bytes, rows so far


def gather(dataset: Dataset, folder: Path, workers: int, verifier: str | None, say: Say) -> tuple[Facts, dict[str, str]]:
    """Measure the dataset into ``folder``; returns the facts, and why files could not be read.

    Memory holds ``CHUNK`` rows. A file measured before, unchanged by name, size and time, is not measured again.
    """
    verdicts = Verdicts(verifier) if verifier else None
    code = digest_modules(closure(["unicedit.audit.measure", "unicedit.audit.dataset"], without=PLUMBING))
    recipe = digest_of(code, verdicts.digest if verdicts else None)
    sizes = [(dataset.root / name).stat().st_size for name, _ in dataset.files]
    total, before, rows = sum(sizes) or 1, 0, 0
    made: list[Path] = []
    broken: dict[str, str] = {}
    with ExitStack() as stack:
        pool = stack.enter_context(ProcessPoolExecutor(workers, get_context("spawn"))) if workers > 1 else None
        for (name, part), size in zip(dataset.files, sizes, strict=True):
            out = (
                folder / f"{digest_of(recipe, name, size, (dataset.root / name).stat().st_mtime_ns, part.model_dump(mode='json'))}.parquet"
            )
            if not out.exists():
                try:
                    count, found = dataset.open(name, part)
                except PipelineError as error:
                    broken[name] = str(error)
                    continue
                noted = _told(_measured(found, pool, verdicts), before / total, size / total / max(count, 1), rows, say)
                write_facts(noted, out)
            made.append(out)
            before += size
            rows += pq.read_metadata(out).num_rows
    for path in set(folder.glob("*.parquet")) - set(made):
        path.unlink()
    parts = dataset.mapping.parts
    labelled, keyed = any(part.subtask for part in parts), any(part.key for part in parts)
    return Facts(made, dataset.languages, labelled, keyed), broken


def _measured(rows: Iterable[Row], pool: ProcessPoolExecutor | None, verdicts: Verdicts | None) -> Iterator[dict[str, Any]]:
    coming = iter(rows)
    while chunk := list(islice(coming, CHUNK)):
        try:
            facts = list(pool.map(measure, chunk, chunksize=4) if pool else map(measure, chunk))
        except BrokenProcessPool as error:
            raise PipelineError(
                "a process that measures pictures was killed, most likely for its memory; run again with fewer --workers: what is finished is kept"
            ) from error
        if verdicts:
            verdicts.add(chunk, facts)
        yield from facts


def _told(facts: Iterable[dict[str, Any]], start: float, step: float, rows: int, say: Say) -> Iterator[dict[str, Any]]:
    for number, one in enumerate(facts, 1):
        yield one
        say(min(1.0, start + number * step), rows + number)


def processors() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0))
