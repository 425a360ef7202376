"""Readers of the library: names of the pictures of a shard, and their bytes (issue 1, item 3)."""

import json
import os
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from unicedit.index.scan import kind_of
from unicedit.map.stage import RowError

MAX_JSON_BYTES = 1 << 20
MAX_MEMBERS = 1_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture of the library before it is read: its name, what tells that it changed, origin and licence; ``fault`` when it cannot even be read."""

    name: str
    inputs: str
    origin: str
    licence: str
    fault: str | None = None


class Reader(ABC):
    """Entries of one shard, and the bytes of any of them."""

    def __init__(self, manifest: dict[str, Any], max_file_mb: float) -> None:
        self.manifest = manifest
        self.max_bytes = int(max_file_mb * 1e6)

    @abstractmethod
    def entries(self) -> Iterator[Entry]:
        """The shard's pictures in order."""

    @abstractmethod
    def read(self, names: Sequence[str]) -> list[bytes | RowError]:
        """Their bytes, in the order asked."""

    def _entry(self, name: str, inputs: str, *, origin: str | None = None, licence: str | None = None, fault: str | None = None) -> Entry:
        return Entry(name, inputs, origin or self.manifest["origin"], licence or self.manifest["licence"], fault)

    def _too_large(self, size: int) -> RowError:
        return RowError(f"too_large: {size / 1e6:.1f} MB > {self.max_bytes / 1e6:g} MB")


class FolderReader(Reader):
    """Loose files under a root."""

    def entries(self) -> Iterator[Entry]:
        for entry in self.manifest["entries"]:
            fault = "removed: no longer in the library" if entry.get("removed") else None
            yield self._entry(entry["name"], f"{entry['size']}:{entry['revision']}{':removed' if fault else ''}", fault=fault)

    def read(self, names: Sequence[str]) -> list[bytes | RowError]:
        return [self._read(name) for name in names]

    def _read(self, name: str) -> bytes | RowError:
        root = os.path.realpath(self.manifest["root"])
        path = os.path.realpath(os.path.join(root, name))
        if os.path.commonpath([root, path]) != root:
            return RowError("outside: the name leads out of the library's folder")
        try:
            size = os.stat(path).st_size
            return self._too_large(size) if size > self.max_bytes else Path(path).read_bytes()
        except OSError as error:
            return RowError(f"unreadable: {error.strerror}")


class TarReader(Reader):
    """One WebDataset tar: every picture in it is a row, the sample's .json member gives origin and licence."""

    def __init__(self, manifest: dict[str, Any], max_file_mb: float) -> None:
        super().__init__(manifest, max_file_mb)
        (self.file,) = manifest["entries"]
        self.path = os.path.join(manifest["root"], self.file["name"])
        self._members: dict[str, tarfile.TarInfo] = {}
        self._tar: tarfile.TarFile | None = None

    def entries(self) -> Iterator[Entry]:
        name, revision = self.file["name"], self.file["revision"]
        if self.file.get("removed"):
            yield self._entry(name, f"{revision}:removed", fault="removed: no longer in the library")
            return
        samples: dict[str, dict[str, Any]] = {}
        found: list[tuple[tarfile.TarInfo, str, str | None]] = []
        fault: str | None = None
        try:
            with tarfile.open(self.path, "r:*") as tar:
                for number, member in enumerate(tar):
                    if number >= MAX_MEMBERS:
                        fault = f"too_many_members: more than {MAX_MEMBERS}"
                        break
                    if member.isfile() and member.name.lower().endswith(".json") and member.size <= MAX_JSON_BYTES:
                        samples[_sample(member.name)] = _json(tar, member)
                    elif member.isfile() and kind_of(member.name) == "folder":
                        found.append((member, f"{name}::{member.name}", _hostile(member.name)))
                    elif not member.isfile() and not member.isdir():
                        found.append((member, f"{name}::{member.name}", "not_a_file: links and devices in a tar are not followed"))
        except Exception as error:  # what a damaged archive raises depends on where it is damaged
            fault = f"broken_tar: {type(error).__name__}: {error}"
        seen: dict[str, int] = {}
        for member, full, why in found:
            seen[full] = seen.get(full, 0) + 1
            unique = full if seen[full] == 1 else f"{full}#{seen[full]}"
            self._members[unique] = member
            sample = samples.get(_sample(member.name), {})
            columns = self.manifest["columns"]
            yield self._entry(
                unique,
                f"{revision}:{member.offset}:{member.size}",
                origin=_text(sample, columns["origin"]),
                licence=_text(sample, columns["licence"]),
                fault=why,
            )
        if fault:
            yield self._entry(name, str(revision), fault=fault)

    def read(self, names: Sequence[str]) -> list[bytes | RowError]:
        return [self._read(self._members[name]) for name in names]

    def _read(self, member: tarfile.TarInfo) -> bytes | RowError:
        if member.size > self.max_bytes:
            return self._too_large(member.size)
        try:
            if self._tar is None:
                self._tar = tarfile.open(self.path, "r:*")  # noqa: SIM115 (stays open for the shard)
            stream = self._tar.extractfile(member)
            content = stream.read(member.size) if stream else b""
        except Exception as error:  # what a damaged archive raises depends on where it is damaged
            return RowError(f"broken_tar: {type(error).__name__}: {error}")
        return content if len(content) == member.size else RowError("truncated: the tar ends within this member")


def _sample(name: str) -> str:
    """The WebDataset key of a member: its path up to the first dot of its file name."""
    folder, _, file = name.rpartition("/")
    return f"{folder}/{file.split('.', 1)[0]}"


def _hostile(name: str) -> str | None:
    parts = name.replace("\\", "/").split("/")
    if name.startswith("/") or ".." in parts or "\x00" in name or len(name) > 4096:
        return "hostile_name: leads out of the archive"
    return None


def _json(tar: tarfile.TarFile, member: tarfile.TarInfo) -> dict[str, Any]:
    stream = tar.extractfile(member)
    try:
        value = json.loads(stream.read(MAX_JSON_BYTES)) if stream else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _text(values: dict[str, Any], name: str | None) -> str | None:
    value = values.get(name) if name else None
    return None if value is None else str(value)[:4096]


class ParquetReader(Reader):
    """A range of row groups of one Parquet file with an image column (Hugging Face Image, or bytes)."""

    def __init__(self, manifest: dict[str, Any], max_file_mb: float) -> None:
        super().__init__(manifest, max_file_mb)
        (self.file,) = manifest["entries"]
        self.path = os.path.join(manifest["root"], self.file["name"])
        self._opened: pq.ParquetFile | None = None
        self._rows: dict[str, tuple[int, int]] = {}
        self._group: tuple[int, pa.ChunkedArray] | None = None

    def entries(self) -> Iterator[Entry]:
        name, revision = self.file["name"], self.file["revision"]
        if self.file.get("removed"):
            yield self._entry(name, f"{revision}:removed", fault="removed: no longer in the library")
            return
        columns = self.manifest["columns"]
        try:
            self._opened = pq.ParquetFile(self.path)
            schema = self._opened.schema_arrow
        except (pa.ArrowInvalid, OSError) as error:
            yield self._entry(name, str(revision), fault=f"broken_parquet: {str(error).splitlines()[0]}")
            return
        fault = _column_fault(schema, columns["image"])
        if fault:
            yield self._entry(name, str(revision), fault=fault)
            return
        light = [column for column in (columns["origin"], columns["licence"]) if column and column in schema.names]
        number = self.file["first_row"]
        for group in range(self.file["first_group"], self.file["first_group"] + self.file["groups"]):
            rows: list[dict[str, Any]] = (
                self._opened.read_row_group(group, columns=light).to_pylist()
                if light
                else [{}] * self._opened.metadata.row_group(group).num_rows
            )
            for row, values in enumerate(rows):
                full = f"{name}::{number}"
                self._rows[full] = (group, row)
                yield self._entry(full, str(revision), origin=_text(values, columns["origin"]), licence=_text(values, columns["licence"]))
                number += 1

    def read(self, names: Sequence[str]) -> list[bytes | RowError]:
        return [self._read(*self._rows[name]) for name in names]

    def _read(self, group: int, row: int) -> bytes | RowError:
        assert self._opened is not None
        try:
            if self._group is None or self._group[0] != group:
                self._group = (group, self._opened.read_row_group(group, columns=[self.manifest["columns"]["image"]]).column(0))
            value = self._group[1][row].as_py()
        except (pa.ArrowInvalid, OSError) as error:
            return RowError(f"broken_parquet: {str(error).splitlines()[0]}")
        content = value.get("bytes") if isinstance(value, dict) else value
        if content is None:
            return RowError("no_bytes: the image column holds no picture here")
        return self._too_large(len(content)) if len(content) > self.max_bytes else content


def _column_fault(schema: pa.Schema, name: str) -> str | None:
    if name not in schema.names:
        return f"no_image_column: no column {name!r} among {', '.join(schema.names)[:200]}; set library.columns.image"
    kind = schema.field(name).type
    if pa.types.is_struct(kind):
        kind = kind.field("bytes").type if kind.get_field_index("bytes") >= 0 else None
    if kind is None or not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        return f"no_image_column: column {name!r} holds no picture bytes"
    return None


class WorldReader(Reader):
    """Pictures of the simulated world."""

    def entries(self) -> Iterator[Entry]:
        from unicedit.world.library import licence, origin

        for entry in self.manifest["entries"]:
            fault = "removed: no longer in the library" if entry.get("removed") else None
            name = entry["name"]
            yield self._entry(name, "removed" if fault else "", origin=origin(name), licence=licence(name), fault=fault)

    def read(self, names: Sequence[str]) -> list[bytes | RowError]:
        from unicedit.world.library import encoded

        return [encoded(name) for name in names]


READERS: dict[str, type[Reader]] = {"folder": FolderReader, "webdataset": TarReader, "parquet": ParquetReader, "world": WorldReader}


def open_reader(manifest: dict[str, Any], max_file_mb: float) -> Reader:
    """The reader of a shard's kind."""
    return READERS[manifest["kind"]](manifest, max_file_mb)
