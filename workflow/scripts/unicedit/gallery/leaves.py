"""The leaves of a shard: for everything the library gave, the row at which its way ended, in whichever stage's table that is."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unicedit.files import digest_of
from unicedit.lookup import rows
from unicedit.schema import OK

STAGES = ("verify", "edit", "instruct", "prefilter", "ingest")  # edits first: they are what people come to see
NAMED_BY = {"verify": "key", "edit": "key", "instruct": "key", "prefilter": "source", "ingest": "source"}


@dataclass(frozen=True, slots=True, order=True)
class Leaf:
    """A row where the way of a picture, an instruction or an edit ended. ``rank`` orders leaves as a draw would, by their names alone."""

    rank: str  # 32 hexadecimal digits
    shard: str
    stage: str
    row: int  # in the stage's table, from 0

    @property
    def place(self) -> tuple[str, str]:
        """The table it stands in."""
        return self.shard, self.stage


def is_leaf(stage: str, status: str) -> bool:
    """Whether a row leads no further: every verdict, and whatever did not pass an earlier stage."""
    return stage == "verify" or status != OK


def leaves(results: Path, shard: str) -> Iterator[Leaf]:
    """The leaves of a shard, stage by stage. Reads names and statuses only."""
    for stage in STAGES:
        named = NAMED_BY[stage]
        for number, row in enumerate(rows(results / stage / f"{shard}.parquet", [named, "status"])):
            if is_leaf(stage, row["status"]):
                yield Leaf(digest_of(stage, shard, row[named]), shard, stage, number)


@dataclass(frozen=True, slots=True)
class Sample:
    """The leaves that are shown, by the table they stand in, and how many there are in all."""

    chosen: dict[tuple[str, str], list[int]]  # (shard, stage): numbers of rows, in order
    shown: int
    total: int


def sample(results: Path, shards: Iterable[str], most: int) -> Sample:
    """All leaves of the shards, or the ``most`` of lowest rank where there are more; memory holds ``most`` leaves."""
    total = 0

    def counted() -> Iterator[Leaf]:
        nonlocal total
        for shard in shards:
            for leaf in leaves(results, shard):
                total += 1
                yield leaf

    kept = heapq.nsmallest(most, counted())
    chosen: dict[tuple[str, str], list[int]] = {}
    for leaf in kept:
        chosen.setdefault(leaf.place, []).append(leaf.row)
    return Sample({place: sorted(numbers) for place, numbers in chosen.items()}, len(kept), total)


def chosen_rows(path: Path, columns: list[str], numbers: list[int]) -> Iterator[dict[str, Any]]:
    """The rows of a table with these numbers (sorted), as dictionaries of ``columns``."""
    wanted = iter(numbers)
    following = next(wanted, None)
    for number, row in enumerate(rows(path, columns)):
        if number == following:
            yield row
            following = next(wanted, None)
        if following is None:
            return
