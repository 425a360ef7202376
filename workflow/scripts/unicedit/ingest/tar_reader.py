"""Pictures of a WebDataset tar, whoever made it: no text of it can make reading it large either."""

import json
import os
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from unicedit.index.names import on_disk, shown
from unicedit.index.scan import kind_of
from unicedit.ingest.reader import MAX_TEXT, Entry, Reader, text
from unicedit.ingest.tar_stream import TarStream, TooMuch, members
from unicedit.map.stage import RowError

MAX_JSON_BYTES = 1 << 20


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
        self._stream: TarStream | None = None

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
        stream = TarStream(self.path)
        for member in members(stream):
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
            self._stream = self._stream or TarStream(self.path)
            content = self._stream.content(member.place, member.size)
        except TooMuch as error:
            return RowError(f"too_large: {error}")
        except Exception as error:  # what a damaged archive raises depends on where it is damaged
            return RowError(f"broken_tar: {type(error).__name__}: {error}")
        return content if len(content) == member.size else RowError("truncated: the tar ends within this member")


def _member(member: tarfile.TarInfo, fault: str | None) -> _Member:
    name = shown(member.name[:MAX_TEXT])
    return _Member(_sample(member.name[:MAX_TEXT]), name, member.offset, member.offset_data, member.size, fault)


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
