"""The journal of a shard: finished rows on disk before the shard is sealed (design section 4).

A segment is a file of frames: length and CRC-32, then one Arrow record batch. A batch of rows is appended and handed to the operating system as soon as it is
computed, so that a killed process loses only the batches in flight; a segment is synced to the disk and renamed from ``.part`` to ``.arrow`` when it is full or
old. A ``.part`` left behind by a killed process is read up to its first torn or damaged frame.
"""

import logging
import os
import struct
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from unicedit.map.lease import Lease
from unicedit.map.stage import Row

log = logging.getLogger(__name__)
_FRAME = struct.Struct("<QQ")  # bytes of the record batch, its CRC-32; 16 bytes keep what follows aligned


def read_segment(path: Path, schema: pa.Schema, *, check: bool = True) -> list[pa.RecordBatch]:
    """The whole batches of one segment (64 MB by default), memory-mapped; a torn or damaged tail is left out (and its rows computed again).

    A segment written under another schema gives nothing: its rows would not fit the table. Without ``check`` the checksums are not computed: for what this
    process wrote itself, or has checked before.
    """
    size = path.stat().st_size
    if size == 0:
        return []
    batches: list[pa.RecordBatch] = []
    with pa.memory_map(str(path)) as file:
        content = file.read_buffer()
    fingerprint = schema_mark(schema)
    if content.slice(0, len(fingerprint)).to_pybytes() != fingerprint:
        log.warning("%s: written under another table schema; its rows are computed again", path)
        return []
    at = len(fingerprint)
    while at + _FRAME.size <= size:
        length, crc = _FRAME.unpack(content.slice(at, _FRAME.size).to_pybytes())
        body = content.slice(at + _FRAME.size, length) if at + _FRAME.size + length <= size else None
        if body is None or (check and zlib.crc32(body) != crc):
            log.warning("%s: torn after %d batches; what follows is computed again", path, len(batches))
            break
        batches.append(pa.ipc.read_record_batch(body, schema))
        at += _FRAME.size + length
    return batches


def schema_mark(schema: pa.Schema) -> bytes:
    """16 bytes at the head of a segment that tell which table schema its frames have."""
    return struct.pack("<QQ", zlib.crc32(schema.to_string().encode()), len(schema))


def _batch(rows: Sequence[Row], schema: pa.Schema) -> pa.RecordBatch:
    """The rows as Arrow has them. Text with half a character in it (of a model's reply, an error, a stranger's file) is stored with that escaped."""
    try:
        return pa.RecordBatch.from_pylist(list(rows), schema=schema)
    except UnicodeEncodeError:
        return pa.RecordBatch.from_pylist([_encodable(row) for row in rows], schema=schema)


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {name: _encodable(inner) for name, inner in value.items()}
    return [_encodable(inner) for inner in value] if isinstance(value, list) else value


class Journal:
    """Append batches of finished rows to ``folder``; the lease is checked before a segment is opened or closed."""

    def __init__(self, folder: Path, schema: pa.Schema, lease: Lease, segment_bytes: int, segment_seconds: float) -> None:
        self.folder = folder
        self.schema = schema
        self.lease = lease
        self.segment_bytes = segment_bytes
        self.segment_seconds = segment_seconds
        self._sequence = 0
        self._path: Path | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def segments(self) -> list[Path]:
        """The segments on disk, oldest first; equal keys in a later one win."""
        found = [path for path in self.folder.iterdir() if path.suffix in (".arrow", ".part")]
        return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))

    def own(self) -> list[Path]:
        """The segments that this object wrote, in order."""
        return [path for path in self.segments() if path.name.startswith(self.lease.token[:12])]

    def append(self, rows: Sequence[Row]) -> None:
        """Write finished rows; they survive the death of this process when the call returns."""
        if not rows:
            return
        if self._path is None:
            self.lease.check()
            self._path = self.folder / f"{self.lease.token[:12]}-{self._sequence:06d}.part"
            self._sequence += 1
            self._file = self._path.open("xb")
            self._file.write(schema_mark(self.schema))
            self._opened = time.monotonic()
        body = _batch(rows, self.schema).serialize()
        self._file.write(_FRAME.pack(body.size, zlib.crc32(body)))
        self._file.write(body)
        self._file.flush()
        if self._file.tell() >= self.segment_bytes or time.monotonic() - self._opened >= self.segment_seconds:
            self.close()

    def close(self) -> None:
        """Sync and rename the open segment, if there is one."""
        if self._path is None:
            return
        os.fsync(self._file.fileno())
        self._file.close()
        self.lease.check()
        self._path.rename(self._path.with_suffix(".arrow"))
        self._path = None
