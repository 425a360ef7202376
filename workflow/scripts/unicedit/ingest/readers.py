"""The reader of each kind of library."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from unicedit.index.names import on_disk
from unicedit.ingest.parquet_reader import ParquetReader
from unicedit.ingest.reader import Entry, Reader
from unicedit.ingest.tar_reader import TarReader
from unicedit.map.stage import RowError


class FolderReader(Reader):
    """Loose files under a root."""

    def entries(self) -> Iterator[Entry]:
        for entry in self.manifest["entries"]:
            marks = (str(entry["size"]), str(entry["revision"]), *(["removed"] if entry.get("removed") else []))
            yield self._entry(entry["name"], ":".join(marks), fault=self._removed(entry))

    def read(self, names: Sequence[str]) -> list[bytes | RowError]:
        return [self._read(name) for name in names]

    def _read(self, name: str) -> bytes | RowError:
        root = os.path.realpath(on_disk(self.manifest["root"]))
        path = os.path.realpath(os.path.join(root, on_disk(name)))
        if os.path.commonpath([root, path]) != root:
            return RowError("outside: the name leads out of the library's folder")
        try:
            size = os.stat(path).st_size
            return self._too_large(size) if size > self.max_bytes else Path(path).read_bytes()
        except OSError as error:
            return RowError(f"unreadable: {error.strerror}")


class WorldReader(Reader):
    """Pictures of the simulated world."""

    def entries(self) -> Iterator[Entry]:
        from unicedit.world.library import licence, origin

        for entry in self.manifest["entries"]:
            fault, name = self._removed(entry), entry["name"]
            yield self._entry(name, "removed" if fault else "", origin=origin(name), licence=licence(name), fault=fault)

    def read(self, names: Sequence[str]) -> list[bytes | RowError]:
        from unicedit.world.library import encoded

        return [encoded(name) for name in names]


READERS: dict[str, type[Reader]] = {"folder": FolderReader, "webdataset": TarReader, "parquet": ParquetReader, "world": WorldReader}


def open_reader(manifest: dict[str, Any], max_file_mb: float) -> Reader:
    """The reader of a shard's kind."""
    return READERS[manifest["kind"]](manifest, max_file_mb)
