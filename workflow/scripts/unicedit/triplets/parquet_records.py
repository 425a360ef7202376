"""Rows of a Parquet file, one at a time: the pictures of a row group together may be larger than the memory."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from unicedit.errors import PipelineError
from unicedit.ingest.parquet_reader import MAX_PICTURE_BYTES
from unicedit.map.stage import RowError
from unicedit.triplets.mapping import Part, Picture
from unicedit.triplets.records import Record, Records


class ParquetRecords(Records):
    """A Parquet file with pictures in it, or with their paths."""

    def __init__(self, path: Path, part: Part) -> None:
        super().__init__(path, part)
        try:
            with pq.ParquetFile(path) as file:
                schema, metadata = file.schema_arrow, file.metadata
                sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
        except (pa.ArrowException, OSError) as error:
            raise PipelineError(
                f"{path}: no Parquet file ({' '.join(str(error).split())[:200]}); is it whole, and not a Git LFS pointer?"
            ) from error
        self._check(schema.names)
        for picture in (part.source, part.edited):
            _check_kind(path, picture, schema.field(picture.column).type)
        self._ends = np.cumsum(sizes, dtype=np.int64)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def read(self, rows: Sequence[int]) -> Iterator[Record | RowError]:
        groups = np.searchsorted(self._ends, rows, side="right")
        with pq.ParquetFile(self.path) as file:
            for group in np.unique(groups):
                begin = int(self._ends[group - 1]) if group else 0
                yield from self._read(file, int(group), [row - begin for row, of in zip(rows, groups, strict=True) if of == group])

    def _read(self, file: pq.ParquetFile, group: int, rows: Sequence[int]) -> Iterator[Record | RowError]:
        columns = list(dict.fromkeys([self.part.source.column, self.part.edited.column, *self.part.texts]))
        if fault := _too_large(file.metadata.row_group(group), columns):
            yield from (RowError(fault) for _ in rows)
            return
        given = 0
        try:
            wanted = iter(rows)
            row = next(wanted)
            for number, batch in enumerate(file.iter_batches(batch_size=1, row_groups=[group], columns=columns)):
                if number == row:
                    yield batch.to_pylist()[0]
                    given += 1
                    if given == len(rows):
                        return
                    row = next(wanted)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            yield from (RowError(f"broken_parquet: {' '.join(str(error).split())[:200]}") for _ in rows[given:])


def _too_large(group: Any, columns: Sequence[str]) -> str | None:
    chunks = [group.column(number) for number in range(group.num_columns)]
    for name in columns:
        size = sum(chunk.total_uncompressed_size for chunk in chunks if f"{chunk.path_in_schema}.".startswith(f"{name}."))
        if size > MAX_PICTURE_BYTES:
            return f"too_large: column {name!r} of its row group holds {size / 1e6:.0f} MB > {MAX_PICTURE_BYTES / 1e6:.0f} MB"
    return None


def _check_kind(path: Path, picture: Picture, kind: pa.DataType) -> None:
    inside = kind.value_type if pa.types.is_list(kind) or pa.types.is_large_list(kind) else kind
    found = "struct" if pa.types.is_struct(inside) else None
    if pa.types.is_binary(inside) or pa.types.is_large_binary(inside):
        found = "bytes"
    elif pa.types.is_string(inside) or pa.types.is_large_string(inside):
        found = "path"
    if found != picture.kind:
        raise PipelineError(
            f"{path}: column {picture.column!r} holds {kind}, which is no picture of kind {picture.kind}: set kind to {found or 'another column'}"
        )
