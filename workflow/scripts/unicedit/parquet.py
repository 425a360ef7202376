"""How every Parquet file of the pipeline is written: the same bytes for the same rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def _leaves(schema: pa.Schema) -> Iterator[tuple[str, pa.DataType]]:
    """Leaf columns by their Parquet path (``src_image.bytes``, ``differences.list.element``)."""

    def descend(path: str, kind: pa.DataType) -> Iterator[tuple[str, pa.DataType]]:
        if pa.types.is_struct(kind):
            for child in kind:
                yield from descend(f"{path}.{child.name}", child.type)
        elif pa.types.is_list(kind):
            yield from descend(f"{path}.list.element", kind.value_type)
        else:
            yield path, kind

    for field in schema:
        yield from descend(field.name, field.type)


@contextmanager
def writer(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """A Parquet writer with the house's options: text compressed with zstd, pictures (binary columns) stored as they are and without min/max statistics, page index on.

    The caller gives one ``write_table(group, row_group_size=...)`` a row group, each of one chunk, so that equal rows give equal bytes.
    """
    leaves = list(_leaves(schema))
    pictures = {name for name, kind in leaves if pa.types.is_binary(kind) or pa.types.is_large_binary(kind)}
    with pq.ParquetWriter(
        path,
        schema,
        version="2.6",
        compression={name: "none" if name in pictures else "zstd" for name, _ in leaves},
        use_dictionary=[name for name, _ in leaves if name not in pictures],
        write_statistics=[name for name, _ in leaves if name not in pictures],
        write_page_index=True,
    ) as opened:
        yield opened
