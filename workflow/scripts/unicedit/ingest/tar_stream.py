"""The bytes and headers of a tar, whoever made it: no header or packing can make reading it large."""

import gzip
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

from unicedit.ingest.reader import MAX_PICTURES

MAX_HEADER_BYTES = 1 << 20  # headers of one member, long names and all
MAX_SHARED_HEADERS = 100
MAX_RATIO, MIN_UNPACKED = 100, 1 << 30  # a .tar.gz unpacks to at most this many times its size, or these bytes


class TooMuch(Exception):
    """The tar claims more than any honest one."""


class TarStream:
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


def members(stream: TarStream) -> Iterator[tarfile.TarInfo]:
    """Every member's header in order. Raises ``TooMuch``, or whatever ``tarfile`` does, where the archive is no honest or no whole one."""
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
        yield member


def _check_end(stream: TarStream, offset: int) -> None:
    """Raise where ``tarfile`` stopped at something that is no header: to it this is an end like any other."""
    block = stream.content(offset, tarfile.BLOCKSIZE)
    if block.strip(b"\0"):
        raise tarfile.ReadError(f"what follows byte {offset} is no header")
