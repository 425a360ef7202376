"""Parquet files of the release, and their index."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from unicedit.assemble import public_schema
from unicedit.errors import PipelineError
from unicedit.files import appearing_whole
from unicedit.parquet import writer
from unicedit.release.plan import Group
from unicedit.release.rows import Change, tables
from unicedit.repeats import Repeats

INDEX = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),  # in data/
        pa.field("row", pa.int32(), nullable=False),  # in the file, from 0
        ("edit_task", pa.string()),
        ("edit_subtask", pa.string()),
        ("editor", pa.string()),
    ]
)


def write_file(groups: Sequence[Group], out: Path, row_group_rows: int, change: Change | None = None) -> None:
    """Write one Parquet file of the release, whole or not at all. Equal rows give equal bytes."""
    with appearing_whole(out) as temporary, writer(temporary, public_schema()) as opened:
        for table in tables(groups, row_group_rows, change):
            opened.write_table(table, row_group_size=row_group_rows)


def write_index(files: Sequence[Path], out: Path) -> int:
    """Write where each key lies; returns the number of rows. Raises ``PipelineError`` where a key is there twice: readers take it for one row."""
    repeats = Repeats()
    total = 0
    with appearing_whole(out) as temporary, writer(temporary, INDEX) as opened:
        for file in files:
            table = pq.read_table(file, columns=["key", "edit_task", "edit_subtask", "editor"])
            repeats.add(table["key"].to_pylist())
            table = table.append_column("file", pa.array([file.name] * table.num_rows, pa.string()))
            table = table.append_column("row", pa.array(range(table.num_rows), pa.int32()))
            opened.write_table(table.select(INDEX.names).cast(INDEX).combine_chunks(), row_group_size=max(1, table.num_rows))
            total += table.num_rows
    twice = repeats.counted(key for file in files for key in pq.read_table(file, columns=["key"])["key"].to_pylist())
    if twice:
        raise PipelineError(
            f"the key {next(iter(twice))!r} is there {next(iter(twice.values()))} times ({len(twice)} such keys): nothing is released"
        )
    return total
