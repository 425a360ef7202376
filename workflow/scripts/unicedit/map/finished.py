"""Where finished rows lie: in the journal of this shard, or in the sealed file of the last run (design sections 4 and 5)."""

import functools
import logging
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from unicedit.files import read_json
from unicedit.map.journal import read_segment
from unicedit.map.stage import Item, Stage

log = logging.getLogger(__name__)
Location = tuple[int, int, int]  # source, first row, rows


class Source(Protocol):
    """A table that gives any run of its rows."""

    def slice(self, start: int, count: int) -> pa.Table: ...


class SegmentSource:
    """A journal segment, mapped when it is needed. The last few stay mapped, not all: a shard's pictures may be larger than the memory."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path = path
        self._schema = schema

    def slice(self, start: int, count: int) -> pa.Table:
        return _segment(self._path, self._schema).slice(start, count)


@functools.lru_cache(maxsize=3)
def _segment(path: Path, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_batches(read_segment(path, schema, check=False), schema)


class ParquetSource:
    """A sealed file, read by row group; the last two stay in memory."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.file = pq.ParquetFile(path)
        self._schema = schema
        self._starts = [0]
        for group in range(self.file.metadata.num_row_groups):
            self._starts.append(self._starts[-1] + self.file.metadata.row_group(group).num_rows)
        self._cache: OrderedDict[int, pa.Table] = OrderedDict()

    def _group(self, group: int) -> pa.Table:
        if group not in self._cache:
            self._cache[group] = self.file.read_row_group(group).cast(self._schema)
            while len(self._cache) > 2:
                self._cache.popitem(last=False)
        self._cache.move_to_end(group)
        return self._cache[group]

    def slice(self, start: int, count: int) -> pa.Table:
        parts = []
        while count:
            group = bisect_right(self._starts, start) - 1
            taken = min(count, self._starts[group + 1] - start)
            parts.append(self._group(group).slice(start - self._starts[group], taken))
            start, count = start + taken, count - taken
        return pa.concat_tables(parts)


class Finished:
    """An index from item key to the rows that are finished for it."""

    def __init__(self, stage: Stage, wanted: Mapping[str, Item]) -> None:
        self.stage = stage
        self.wanted = wanted
        self.sources: list[Source] = []
        self.at: dict[str, Location] = {}

    def __contains__(self, key: str) -> bool:
        return key in self.at

    def _add(self, source: Source, light: pa.Table, valid: Callable[[Item, str, str], bool], mask: Iterable[bool] | None = None) -> int:
        """Index a source by its light columns; rows of one item lie together. Returns the number of items taken."""
        number = len(self.sources)
        self.sources.append(source)
        keys = light[self.stage.item_column].to_pylist()
        recipes, inputs = light["recipe"].to_pylist(), light["inputs"].to_pylist()
        good = [True] * len(keys) if mask is None else list(mask)
        taken = start = 0
        while start < len(keys):
            end = start + 1
            while end < len(keys) and keys[end] == keys[start]:
                end += 1
            item = self.wanted.get(keys[start])
            if item is not None and all(good[start:end]) and valid(item, recipes[start], inputs[start]):
                self.at[item.key] = (number, start, end - start)
                taken += 1
            start = end
        return taken

    def add_journal(self, segments: Iterable[Path], *, check: bool) -> None:
        """Take what attempts at this shard finished; ``check`` the segments' checksums unless this process wrote them."""
        for path in segments:
            table = pa.Table.from_batches(read_segment(path, self.stage.schema, check=check), self.stage.schema)
            if table.num_rows:
                self._add(
                    SegmentSource(path, self.stage.schema),
                    table,
                    lambda item, recipe, inputs: recipe == item.recipe and inputs == item.inputs,
                )

    def add_sealed(self, table: Path, sidecar: Path, accepted: Mapping[str, set[str]], *, retry_failed: bool) -> int:
        """Take rows of the last sealed file whose recipe (or one the user accepted in its place) and inputs are the same; returns their items.

        A file that does not fit its sidecar, or the schema of today, is left aside with a warning: its rows are computed again.
        """
        if not (table.exists() and sidecar.exists()):
            return 0
        if table.stat().st_size != read_json(sidecar)["bytes"]:
            log.warning("%s: its size is not the sealed one; no row of it is reused", table)
            return 0
        try:
            source = ParquetSource(table, self.stage.schema)
            stored = source.file.schema_arrow
            if stored.names != self.stage.schema.names or stored.types != self.stage.schema.types:
                log.warning("%s: has another table schema; no row of it is reused", table)
                return 0
            small = [name for name, kind in zip(stored.names, stored.types, strict=True) if not pa.types.is_binary(kind)]
            light = source.file.read(columns=small)
        except (pa.ArrowInvalid, OSError) as error:
            log.warning("%s: cannot be read (%s); no row of it is reused", table, error)
            return 0
        allowed = self.stage.reusable(light)
        mask = [True] * light.num_rows if allowed is None else [bool(value) for value in allowed.to_pylist()]
        if retry_failed:
            mask = [good and status != "failed" for good, status in zip(mask, light["status"].to_pylist(), strict=True)]
        return self._add(
            source,
            light,
            lambda item, recipe, inputs: inputs == item.inputs and (recipe == item.recipe or recipe in accepted.get(item.recipe, ())),
            mask,
        )

    def runs(self, items: Iterable[Item]) -> Iterable[Location]:
        """Locations of the items' rows in their order, neighbours joined."""
        current: list[int] | None = None
        for item in items:
            source, start, count = self.at[item.key]
            if current is not None and current[0] == source and current[1] + current[2] == start:
                current[2] += count
            else:
                if current is not None:
                    yield (current[0], current[1], current[2])
                current = [source, start, count]
        if current is not None:
            yield (current[0], current[1], current[2])
