"""Taken proposals as records of a benchmark: the table that people review, and the same as files."""

import shutil
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from unicedit.benchmark.layout import write_layout
from unicedit.benchmark.records import write_rows
from unicedit.benchmark.review import RecordQueue
from unicedit.benchmark.schema import PROVENANCE
from unicedit.map.stage import Row
from unicedit.propose.take import Proposal
from unicedit.schema import OK
from unicedit.sources import KeyedTable

FOLDER = "proposals"  # of the results


def write_proposed(results: Path, proposals: Iterable[Proposal]) -> int:
    """Write ``records.parquet`` and the folder ``benchmark`` of the ``ok`` proposals, which are in the order of the shards; returns the number of records."""
    folder = results / FOLDER
    taken = (one for one in proposals if one["status"] == OK)
    number = write_rows(_records(results / "ingest", taken), folder / "records.parquet")
    queue = RecordQueue(results, 0, FOLDER)
    made, partial = folder / "benchmark", folder / ".benchmark.partial"
    for stale in (made, partial):
        shutil.rmtree(stale, ignore_errors=True)
    write_layout(partial, queue.records.values(), queue.picture)
    partial.rename(made)
    return number


def _records(ingest: Path, proposals: Iterable[Proposal]) -> Iterator[Row]:
    for shard, own in groupby(proposals, lambda one: one["shard"]):
        pictures = KeyedTable(ingest / f"{shard}.parquet")
        for one in own:
            (where,) = pictures.get([one["image"]], *PROVENANCE)
            yield {
                **where,
                **{name: one[name] for name in ("key", "task", "subtask", "reasoning_points")},
                "en": one["instruction_en"],
                "cn": one["instruction_cn"],
                "picture": one["image"],
                "note": "",
                "sources": 1,
                "others": [],
            }
