"""Pictures of a Parquet file, read one at a time: a row group's pictures together may be larger than the memory."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from unicedit.index.names import on_disk
from unicedit.ingest.reader import MAX_PICTURES, Entry, Reader, text
from unicedit.map.stage import RowError

# of one column in a row group, unpacked. Arrow unpacks a page at a time, and a page may be as large as its row group; measured, the memory is three times that
MAX_PICTURE_BYTES = 512 << 20
MAX_TEXT_BYTES = 64 << 20


class ParquetReader(Reader):
    """A range of row groups of one Parquet file with an image column (Hugging Face Image, or bytes)."""

    def __init__(self, manifest: dict[str, Any], max_file_mb: float) -> None:
        super().__init__(manifest, max_file_mb)
        (self.file,) = manifest["entries"]
        self.path = on_disk(os.path.join(manifest["root"], self.file["name"]))
        self._opened: pq.ParquetFile | None = None
        self._rows: dict[str, tuple[int, int]] = {}
        self._group: int | None = None
        self._next = 0
        self._texts_at_once = 1
        self._pictures: Iterator[Any] = iter(())

    def entries(self) -> Iterator[Entry]:
        name, revision = self.file["name"], self.file["revision"]
        if gone := self._removed(self.file):
            yield self._entry(name, f"{revision}:removed", fault=gone)
            return
        columns = self.manifest["columns"]
        try:
            light = self._open()
            groups = range(self.file["first_group"], self.file["first_group"] + self.file["groups"])
            sizes = [self._metadata(group).num_rows for group in groups]
        except (pa.ArrowException, OSError) as error:
            yield self._entry(name, str(revision), fault=f"broken_parquet: {_line(error)}")
            return
        fault = _column_fault(self._file.schema_arrow, columns["image"])
        if sum(sizes) > MAX_PICTURES:
            fault = f"too_many_rows: more than {MAX_PICTURES}"
        if fault:
            yield self._entry(name, str(revision), fault=fault)
            return
        number = self.file["first_row"]
        for group, size in zip(groups, sizes, strict=True):
            fault = self._size_fault(group, columns["image"], MAX_PICTURE_BYTES)
            for column in light:
                fault = fault or self._size_fault(group, column, MAX_TEXT_BYTES)
            texts = iter(()) if fault else self._texts(group, light)
            for row in range(size):
                values: dict[str, str | None] = {}
                if fault is None:
                    try:
                        values = next(texts, {})
                    except (pa.ArrowException, OSError) as error:
                        fault = f"broken_parquet: {_line(error)}"
                full = f"{name}::{number}"
                self._rows[full] = (group, row)
                origin, licence = values.get(columns["origin"]), values.get(columns["licence"])
                yield self._entry(full, str(revision), origin=origin, licence=licence, fault=fault)
                number += 1

    @property
    def _file(self) -> pq.ParquetFile:
        assert self._opened is not None
        return self._opened

    def _open(self) -> list[str]:
        """Open the file; returns its columns with texts. Those come as dictionaries: one long text that stands in every row is not held as often."""
        self._opened = pq.ParquetFile(self.path)
        schema = self._opened.schema_arrow
        wanted = [self.manifest["columns"][name] for name in ("origin", "licence")]
        light = [column for column in dict.fromkeys(wanted) if column and schema.names.count(column) == 1]
        kinds = {column: schema.field(column).type for column in light}
        plain = [column for column, kind in kinds.items() if pa.types.is_string(kind) or pa.types.is_large_string(kind)]
        if plain:
            self._opened = pq.ParquetFile(self.path, read_dictionary=plain)
        self._texts_at_once = 1000 if all(column in plain or pa.types.is_primitive(kind) for column, kind in kinds.items()) else 1
        return light

    def _metadata(self, group: int) -> Any:
        return self._file.metadata.row_group(group)

    def _size_fault(self, group: int, name: str, limit: int) -> str | None:
        metadata = self._metadata(group)
        chunks = [metadata.column(number) for number in range(metadata.num_columns)]
        size = sum(chunk.total_uncompressed_size for chunk in chunks if f"{chunk.path_in_schema}.".startswith(f"{name}."))
        if size <= limit:
            return None
        return f"too_large: column {name!r} of its row group holds {size / 1e6:.0f} MB > {limit / 1e6:.0f} MB; write smaller row groups"

    def _texts(self, group: int, light: list[str]) -> Iterator[dict[str, str | None]]:
        if not light:
            return
        for batch in self._file.iter_batches(batch_size=self._texts_at_once, row_groups=[group], columns=light):
            for row in range(batch.num_rows):
                yield {name: text(_plain(batch.column(name)[row])) for name in light}

    def read(self, names: Sequence[str]) -> list[bytes | RowError]:
        return [self._read(*self._rows[name]) for name in names]

    def _read(self, group: int, row: int) -> bytes | RowError:
        try:
            value = self._value(group, row)
        except (pa.ArrowException, OSError) as error:
            self._group = None
            return RowError(f"broken_parquet: {_line(error)}")
        content = value.get("bytes") if isinstance(value, dict) else value
        if content is None:
            return RowError("no_bytes: the image column holds no picture here")
        return self._too_large(len(content)) if len(content) > self.max_bytes else content

    def _value(self, group: int, row: int) -> Any:
        """The picture of a row. Rows are asked for in order, mostly: each is then unpacked once."""
        if self._group != group or row < self._next:
            column = self.manifest["columns"]["image"]
            self._group, self._next = group, 0
            self._pictures = self._file.iter_batches(batch_size=1, row_groups=[group], columns=[column])
        for batch in self._pictures:
            self._next += 1
            if self._next > row:
                return batch.column(0)[0].as_py()
        raise pa.ArrowInvalid(f"row group {group} ends before row {row}")


def _plain(value: pa.Scalar) -> Any:
    """A scalar's value; text that is no UTF-8 with its bytes escaped."""
    value = value.value if isinstance(value, pa.DictionaryScalar) else value
    try:
        return None if value is None else value.as_py()
    except UnicodeDecodeError:
        return value.cast(pa.binary()).as_py().decode("utf-8", "backslashreplace")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:500] or type(error).__name__


def _column_fault(schema: pa.Schema, name: str) -> str | None:
    if schema.names.count(name) != 1:
        return f"no_image_column: not one column {name!r} among {', '.join(schema.names)[:200]}; set library.columns.image"
    kind = schema.field(name).type
    if pa.types.is_struct(kind):
        kind = kind.field("bytes").type if kind.get_field_index("bytes") >= 0 else None
    if kind is None or not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        return f"no_image_column: column {name!r} holds no picture bytes"
    return None
