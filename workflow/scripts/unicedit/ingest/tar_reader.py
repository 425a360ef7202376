"""Pictures of a WebDataset tar, whoever made it: no header, text or packing can make reading it large."""

import gzip
import json
import os
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unicedit.index.names import on_disk, shown
from unicedit.index.scan import kind_of
from unicedit.ingest.reader import MAX_PICTURES, MAX_TEXT, Entry, Reader, text
from unicedit.map.stage import RowError

MAX_HEADER_BYTES = 1 << 20  # headers of one member, long names and all
MAX_JSON_BYTES = 1 << 20
MAX_SHARED_HEADERS = 100
MAX_RATIO, MIN_UNPACKED = 100, 1 << 30  # a .tar.gz unpacks to at most this many times its size, or these bytes


class TooMuch(Exception):
    """The tar claims more than any honest one."""


class _Stream:
    """A tar's unpacked bytes for ``tarfile``, which reads a header as long as it claims to be and unpacks all that lies before the place it seeks."""

    def __init__(self, path: str) -> None:
        raw = Path(path).open("rb")  # noqa: SIM115 (stays open for the shard)
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        self._file = gzip.GzipFile(fileobj=raw) if packed else raw
        self._end = max(MIN_UNPACKED, MAX_RATIO * os.path.getsize(path)) if packed else None
        self._left = 0

    def allow(self, count: int) -> None:
        """From now on give ``count`` bytes at most."""
        self._left = count

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= self._left:
            raise TooMuch(f"a header of more than {self._left} bytes")
        self._left -= size
        return self._file.read(size)

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        if self._end is not None and place > self._end:
            raise TooMuch(f"unpacks to more than {self._end / 1e6:.0f} MB")
        return self._file.seek(place, whence)

    def tell(self) -> int:
        return self._file.tell()

    def content(self, place: int, size: int) -> bytes:
        """``size`` bytes from ``place`` on, fewer where the tar ends."""
        self.seek(place)
        return self._file.read(size)


@dataclass(frozen=True, slots=True)
class _Member:
    sample: str
    name: str
    header: int  # where its header begins
    place: int
    size: int
    fault: str | None


class TarReader(Reader):
    """One WebDataset tar: every picture in it is a row, the sample's .json member gives origin and licence."""

    def __init__(self, manifest: dict[str, Any], max_file_mb: float) -> None:
        super().__init__(manifest, max_file_mb)
        (self.file,) = manifest["entries"]
        self.path = on_disk(os.path.join(manifest["root"], self.file["name"]))
        self._members: dict[str, _Member] = {}
        self._stream: _Stream | None = None

    def entries(self) -> Iterator[Entry]:
        name, revision = self.file["name"], self.file["revision"]
        if gone := self._removed(self.file):
            yield self._entry(name, f"{revision}:removed", fault=gone)
            return
        samples: dict[str, tuple[str | None, str | None]] = {}
        found: list[_Member] = []
        fault: str | None = None
        try:
            self._scan(samples, found)
        except TooMuch as error:
            fault = f"too_large: {error}"
        except Exception as error:  # what a damaged archive raises depends on where it is damaged
            fault = f"broken_tar: {type(error).__name__}: {error}"
        seen: dict[str, int] = {}
        for member in found:
            full = f"{name}::{member.name}"
            seen[full] = seen.get(full, 0) + 1
            unique = full if seen[full] == 1 else f"{full}#{seen[full]}"
            self._members[unique] = member
            origin, licence = samples.get(member.sample, (None, None))
            marks = f"{revision}:{member.header}:{member.size}"
            yield self._entry(unique, marks, origin=origin, licence=licence, fault=member.fault)
        if fault:
            yield self._entry(name, str(revision), fault=fault)

    def _scan(self, samples: dict[str, tuple[str | None, str | None]], found: list[_Member]) -> None:
        """Read all headers. What was found before an error stays."""
        columns = self.manifest["columns"]
        stream = _Stream(self.path)
        stream.allow(MAX_HEADER_BYTES)
        tar = tarfile.TarFile(fileobj=stream)  # type: ignore[arg-type]
        for number in range(MAX_PICTURES + 1):
            stream.allow(MAX_HEADER_BYTES)
            member = tar.next()
            if member is None:
                return _check_end(stream, tar.offset)
            if number == MAX_PICTURES:
                raise TooMuch(f"more than {MAX_PICTURES} members")
            tar.members.clear()  # type: ignore[attr-defined]  # which it keeps for extraction by name
            shared = tar.pax_headers
            if len(shared) > MAX_SHARED_HEADERS or sum(len(key) + len(value) for key, value in shared.items()) > MAX_HEADER_BYTES:
                raise TooMuch("shared headers without end")
            plain = member.isreg() and not member.issparse()
            if plain and member.name.lower().endswith(".json") and member.size <= MAX_JSON_BYTES:
                values = _json(stream.content(member.offset_data, member.size))
                samples[_sample(member.name)] = (_value(values, columns["origin"]), _value(values, columns["licence"]))
            elif plain and kind_of(member.name) == "folder":
                found.append(_member(member, _hostile(member.name)))
            elif not plain and not member.isdir():
                what = "sparse members" if member.isreg() else "links and devices"
                found.append(_member(member, f"not_a_file: {what} in a tar are not followed"))

    def read(self, names: Sequence[str]) -> list[bytes | RowError]:
        return [self._read(self._members[name]) for name in names]

    def _read(self, member: _Member) -> bytes | RowError:
        if member.size > self.max_bytes:
            return self._too_large(member.size)
        try:
            self._stream = self._stream or _Stream(self.path)
            content = self._stream.content(member.place, member.size)
        except TooMuch as error:
            return RowError(f"too_large: {error}")
        except Exception as error:  # what a damaged archive raises depends on where it is damaged
            return RowError(f"broken_tar: {type(error).__name__}: {error}")
        return content if len(content) == member.size else RowError("truncated: the tar ends within this member")


def _member(member: tarfile.TarInfo, fault: str | None) -> _Member:
    name = shown(member.name[:MAX_TEXT])
    return _Member(_sample(member.name[:MAX_TEXT]), name, member.offset, member.offset_data, member.size, fault)


def _check_end(stream: _Stream, offset: int) -> None:
    """Raise where ``tarfile`` stopped at something that is no header: to it this is an end like any other."""
    block = stream.content(offset, tarfile.BLOCKSIZE)
    if block.strip(b"\0"):
        raise tarfile.ReadError(f"what follows byte {offset} is no header")


def _sample(name: str) -> str:
    """The WebDataset key of a member: its path up to the first dot of its file name."""
    folder, _, file = name.rpartition("/")
    return f"{folder}/{file.split('.', 1)[0]}"


def _hostile(name: str) -> str | None:
    parts = name.replace("\\", "/").split("/")
    if name.startswith("/") or ".." in parts or "\x00" in name or len(name) > MAX_TEXT:
        return "hostile_name: leads out of the archive"
    return None


def _json(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _value(values: dict[str, Any], name: str | None) -> str | None:
    return text(values.get(name)) if name else None
