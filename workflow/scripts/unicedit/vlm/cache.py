"""Replies that fitted, kept between runs: what was paid for once is not asked again (design section 6).

A folder of segments. Each is written by one process and only ever added to, a line a reply; so any number of jobs on any number of nodes may use the
folder, and a killed one leaves at worst a last line that is cut off. An index in SQLite lies in this node's own temporary folder and is built from the
segments: SQLite must not lie on a network file system.
"""

import getpass
import hashlib
import json
import os
import socket
import sqlite3
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from unicedit.files import digest_of
from unicedit.map.compute import ahead
from unicedit.pictures import decoded
from unicedit.vlm.port import VlmReply, VlmRequest

REFRESH_SECONDS = 30.0  # between two looks for what other jobs have added
MAX_DIGESTS = 100_000  # of pictures, kept in memory
KEYS_AHEAD = 64  # of what is asked
MAX_LINE = 4_000_000  # bytes; far above any reply that fits
_INDEX = "CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, segment TEXT, start INTEGER, length INTEGER) WITHOUT ROWID"
_READ = "CREATE TABLE IF NOT EXISTS segments (name TEXT PRIMARY KEY, size INTEGER) WITHOUT ROWID"


_digests: dict[
    bytes, str
] = {}  # of pixels, by the digest of the bytes: a picture is asked about several times, and decoding it is what takes time


def pixels_digest(image: bytes) -> str:
    """A digest of a picture's size and pixels, however it is stored."""
    name = hashlib.blake2b(image, digest_size=16).digest()
    found = _digests.get(name)
    if found is None:
        picture = decoded(image)
        found = hashlib.blake2b(f"{picture.size}".encode() + picture.tobytes(), digest_size=16).hexdigest()
        if len(_digests) >= MAX_DIGESTS:
            _digests.clear()
        _digests[name] = found
    return found


def keys_of(identity: str, requests: Iterable[VlmRequest]) -> Iterator[str]:
    """The key of each request's reply: engine, model and parameters (``identity``), prompt, pixels, schema, and which asking it is.

    They are made in a thread, a little ahead: what takes time is decoding pictures, and others can run beside that.
    """
    return ahead(_keys(identity, requests), KEYS_AHEAD)


def _keys(identity: str, requests: Iterable[VlmRequest]) -> Iterator[str]:
    # requests often share a picture: each object of bytes is looked at once
    seen: dict[int, tuple[bytes, str]] = {}  # by identity; what is held here cannot give its place to another picture

    def digest(image: bytes) -> str:
        if id(image) not in seen:
            seen[id(image)] = image, pixels_digest(image)
        return seen[id(image)][1]

    for request in requests:
        refused = [request.refused.text, request.refused.why] if request.refused else None
        pictures = [digest(image) for image in request.images]
        drawn = [request.repeat] if request.repeat else []
        yield digest_of("reply", identity, request.prompt, pictures, request.schema, request.attempt, refused, *drawn)


class ReplyCache:
    """Replies of one folder, for any number of threads. ``hits`` counts those that were found, and ``found`` is told of the count.

    Raises ``OSError`` where the folder cannot be written.
    """

    def __init__(self, folder: Path, found: Callable[[int], None] = lambda _: None, index: Path | None = None) -> None:
        self.folder = folder
        self.hits = 0
        self._found = found
        folder.mkdir(parents=True, exist_ok=True)
        self._segment = folder / f"{time.strftime('%Y%m%d')}-{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.jsonl"
        self._descriptor: int | None = None  # of the segment, while replies come
        self._own: dict[str, VlmReply] = {}
        self._lock = threading.RLock()
        self._index_path = index or _index_path(folder)
        self._index = self._opened()
        self._looked = -REFRESH_SECONDS

    def _opened(self) -> sqlite3.Connection:
        try:
            made = sqlite3.connect(self._index_path, timeout=60, isolation_level=None, check_same_thread=False)
            made.execute("PRAGMA journal_mode=WAL")
            made.execute("PRAGMA synchronous=OFF")
            made.execute(_INDEX)
            made.execute(_READ)
        except sqlite3.DatabaseError:  # damaged, or something else: it is only an index
            self._index_path.unlink()
            return self._opened()
        return made

    def get(self, key: str) -> VlmReply | None:
        """The reply that the request of a key (``keys_of``) was given before, by any job; None where there is none."""
        with self._lock:
            found = self._own.get(key) or self._read(key)
            if found is None and time.monotonic() - self._looked > REFRESH_SECONDS:
                self.refresh()
                found = self._read(key)
            self.hits += found is not None
        return found

    def holds(self, key: str) -> bool:
        """Whether there is a reply under that key (``keys_of``), as far as this process has looked."""
        with self._lock:
            return key in self._own or self._read(key) is not None

    def account(self) -> None:
        """Tell how many were found, and close the segment: on a network file system, other nodes see what was added then."""
        with self._lock:
            self._found(self.hits)
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def put(self, key: str, reply: VlmReply) -> None:
        """Keep a reply that fits. It is with the operating system when this returns, as one whole line: to kill the process does not lose it."""
        value = {"key": key, "text": reply.text, "model": reply.model, "usage": dict(reply.usage), "latency": round(reply.latency, 3)}
        line = (json.dumps(value, ensure_ascii=True) + "\n").encode()
        with self._lock:
            self._own[key] = reply
            if self._descriptor is None:
                self._descriptor = os.open(self._segment, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            written = os.write(self._descriptor, line)
            if written < len(line):
                os.write(self._descriptor, b"\n")  # the disk is full: the next line must not be joined to this one
                raise OSError(28, "no space left for the reply", str(self._segment))

    def _read(self, key: str) -> VlmReply | None:
        row = self._index.execute("SELECT segment, start, length FROM replies WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        segment, start, length = row
        try:
            with (self.folder / segment).open("rb") as stream:
                stream.seek(start)
                value = _parsed(stream.read(length))
        except FileNotFoundError:  # somebody made room
            return None
        if value is None or value["key"] != key:
            return None
        return VlmReply(value["text"], value["model"], value["usage"], value["latency"])

    def refresh(self) -> None:
        """Take into the index what segments hold more than it knows."""
        with self._lock:
            self._looked = time.monotonic()
            known = dict(self._index.execute("SELECT name, size FROM segments"))
            for path in sorted(self.folder.glob("*.jsonl")):
                if path != self._segment and path.stat().st_size > known.get(path.name, 0):
                    self._take(path, known.get(path.name, 0))

    def _take(self, path: Path, done: int) -> None:
        with self._index:
            self._index.execute("BEGIN")
            for start, line in _lines(path, done):
                value = _parsed(line)
                if value is not None:
                    self._index.execute("INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?)", (value["key"], path.name, start, len(line)))
                done = start + len(line)
            self._index.execute("INSERT OR REPLACE INTO segments VALUES (?, ?)", (path.name, done))


def _index_path(folder: Path) -> Path:
    """In this node's temporary folder, shared by the user's own processes; a folder that somebody else put there is not used."""
    name = hashlib.blake2b(str(folder.resolve()).encode(), digest_size=8).hexdigest()
    place = Path(tempfile.gettempdir()) / f"unicedit-{getpass.getuser()}"
    place.mkdir(mode=0o700, exist_ok=True)
    if place.is_symlink() or place.stat().st_uid != os.getuid():
        place = Path(tempfile.mkdtemp(prefix="unicedit-"))
    return place / f"replies-{name}.sqlite"


def _lines(path: Path, start: int) -> Iterator[tuple[int, bytes]]:
    """Whole lines of a segment from a place on, each with where it begins."""
    with path.open("rb") as stream:
        stream.seek(start)
        while (line := stream.readline(MAX_LINE)).endswith(b"\n"):
            yield start, line
            start += len(line)


def _parsed(line: bytes) -> dict | None:
    """A line's reply; None for a line that was cut off or is none."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    wanted = {"key": str, "text": str, "model": str, "usage": dict, "latency": int | float}
    fits = isinstance(value, dict) and all(isinstance(value.get(name), kind) for name, kind in wanted.items())
    return value if fits else None
