"""Read sealed tables without loading them whole: rows in a stream, pictures by key."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def rows(path: Path, columns: Sequence[str], status: str | None = None) -> Iterator[dict[str, Any]]:
    """Rows of a table in order, as dictionaries of ``columns``; only those with ``status`` where one is given."""
    wanted = list(dict.fromkeys([*columns, *(["status"] if status else [])]))
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=1000, columns=wanted):
            for row in batch.to_pylist():
                if status is None or row["status"] == status:
                    yield row


class Lookup:
    """Rows of a table by key, read one row group at a time; the last ``cache_groups`` groups stay in memory.

    Asked in the table's own order, as the stages do, it reads each group once. Raises ``KeyError`` naming the file and the key.
    """

    def __init__(self, path: Path, key_column: str, cache_groups: int = 2) -> None:
        self.path = path
        self._file = pq.ParquetFile(path)
        self._groups: dict[str, tuple[int, int]] = {}
        for group in range(self._file.metadata.num_row_groups):
            for row, key in enumerate(self._file.read_row_group(group, columns=[key_column])[key_column].to_pylist()):
                if key is not None and key not in self._groups:
                    self._groups[key] = (group, row)
        self._cache: OrderedDict[tuple[int, tuple[str, ...]], pa.Table] = OrderedDict()
        self._cache_groups = cache_groups

    def _group(self, group: int, columns: tuple[str, ...]) -> pa.Table:
        place = (group, columns)
        if place not in self._cache:
            self._cache[place] = self._file.read_row_group(group, columns=list(columns))
            while len(self._cache) > self._cache_groups:
                self._cache.popitem(last=False)
        self._cache.move_to_end(place)
        return self._cache[place]

    def get(self, keys: Sequence[str], columns: Sequence[str]) -> list[dict[str, Any]]:
        """One dictionary of ``columns`` a key, in the order asked."""
        found = []
        for key in keys:
            if key not in self._groups:
                raise KeyError(f"{self.path}: no row has the key {key!r}")
            group, row = self._groups[key]
            table = self._group(group, tuple(columns))
            found.append({name: table[name][row].as_py() for name in columns})
        return found

    def __getstate__(self) -> dict[str, Any]:
        raise TypeError("a Lookup stays in the process that opened it")
