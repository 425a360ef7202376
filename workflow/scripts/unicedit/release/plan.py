"""Which row groups of the dataset go into which file of the release: decided from metadata alone, so that names are known before a row is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import pyarrow.parquet as pq


@dataclass(frozen=True, slots=True)
class Group:
    """One row group of a dataset file: its rows, and its bytes as stored."""

    file: Path
    number: int
    rows: int
    bytes: int


def plan(files: Sequence[Path], target: int) -> list[list[Group]]:
    """The row groups of ``files``, in order, shared out to as few files of about ``target`` bytes as hold them, all of about one size.

    A dataset smaller than ``target`` is one file; none is empty. A row group is never divided.
    """
    groups = [group for file in files for group in _groups(file)]
    total = sum(group.bytes for group in groups)
    count = max(1, ceil(total / target))
    shared: list[list[Group]] = [[] for _ in range(count)]
    start = 0
    for group in groups:
        middle = start + group.bytes / 2
        shared[min(count - 1, int(middle * count / total))].append(group)
        start += group.bytes
    return [one for one in shared if one]


def _groups(file: Path) -> list[Group]:
    metadata = pq.read_metadata(file)
    found = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        size = sum(group.column(column).total_compressed_size for column in range(group.num_columns))
        if group.num_rows:
            found.append(Group(file, number, group.num_rows, size))
    return found


def name_of(number: int, count: int, suffix: str) -> str:
    """A file's name as the hub knows it: ``train-00000-of-00002.parquet``."""
    return f"train-{number:05d}-of-{count:05d}.{suffix}"
