"""The rows of a release, a row group at a time: regrouped, and with marked pictures where that is asked."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from unicedit.assemble import public_schema
from unicedit.errors import PipelineError
from unicedit.release.plan import Group

Change = Callable[[pa.Table], pa.Table]


def tables(groups: Sequence[Group], rows: int, change: Change | None = None) -> Iterator[pa.Table]:
    """The groups' rows in order, ``rows`` in each table but the last, each of one chunk; ``change`` is applied to every row group read.

    Memory holds some ``rows`` rows and one row group. Raises ``PipelineError`` for a file that has other columns than the dataset's.
    """
    schema = public_schema()
    waiting: list[pa.Table] = []
    held = 0
    opened: tuple[Path, pq.ParquetFile] | None = None
    try:
        for group in groups:
            if opened is None or opened[0] != group.file:
                if opened:
                    opened[1].close()
                opened = group.file, pq.ParquetFile(group.file)
                if not opened[1].schema_arrow.equals(schema):
                    raise PipelineError(
                        f"{group.file}: its columns are not the dataset's of this version; make the dataset again (make dataset)"
                    )
            table = opened[1].read_row_group(group.number)
            waiting.append(change(table) if change else table)
            held += table.num_rows
            while held >= rows:
                whole = pa.concat_tables(waiting)
                yield whole.slice(0, rows).combine_chunks()
                waiting, held = [whole.slice(rows)], held - rows
        if held:
            yield pa.concat_tables(waiting).combine_chunks()
    finally:
        if opened:
            opened[1].close()
