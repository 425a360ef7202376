"""What the library holds now: names, sizes, times. Only the head process scans; no picture is opened."""

import glob
import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from unicedit.config.library import LibrarySettings
from unicedit.errors import PipelineError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".avif", ".gif"})
TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz")
WILDCARDS = "*?["


@dataclass(frozen=True, slots=True)
class Found:
    """One file: its name relative to the source's root, bytes, and time of last change (nanoseconds)."""

    name: str
    size: int
    mtime: int


@dataclass(slots=True)
class Source:
    """Files of one kind under one root: ``folder``, ``webdataset``, ``parquet`` or ``world``."""

    kind: str
    root: str
    files: dict[str, Found] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)  # files that are no pictures, by suffix

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.root}"


class LibraryError(PipelineError):
    """The library cannot be used as configured."""


def kind_of(path: str) -> str | None:
    """The kind of a file by its suffix; None for what is no part of a library."""
    lower = path.lower()
    if lower.endswith(TAR_SUFFIXES):
        return "webdataset"
    if lower.endswith(".parquet"):
        return "parquet"
    return "folder" if os.path.splitext(lower)[1] in IMAGE_SUFFIXES else None


def _walk(folder: str, prefix: str = "") -> Iterator[os.DirEntry[str]]:
    """Files below a folder, links to folders not followed (they may lead out of it, or round in a circle)."""
    with os.scandir(folder) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path)
        elif entry.is_file(follow_symlinks=True):
            yield entry


def _add(sources: dict[str, Source], kind: str, root: str, path: str, status: os.stat_result) -> None:
    source = sources.setdefault(f"{kind}:{root}", Source(kind, root))
    name = os.path.relpath(path, root).replace(os.sep, "/")
    source.files[name] = Found(name, status.st_size, status.st_mtime_ns)


def scan(settings: LibrarySettings) -> list[Source]:
    """Every source of the configured library, sorted. Raises ``LibraryError`` when a path names nothing."""
    patterns = [settings.path] if isinstance(settings.path, str) else list(settings.path)
    key = "library.path"
    if settings.list_file:
        listed = Path(settings.list_file)
        if not listed.is_file():
            raise LibraryError(f"config: library.list_file = {settings.list_file!r}: no such file")
        lines = [line.strip() for line in listed.read_text(encoding="utf-8").splitlines()]
        patterns += [os.path.join(listed.parent, line) for line in lines if line and not line.startswith("#")]
        key = "library.path and library.list_file"
    sources: dict[str, Source] = {}
    for pattern in filter(None, patterns):
        matches = sorted(glob.glob(pattern, recursive=True)) if any(sign in pattern for sign in WILDCARDS) else [pattern]
        fixed = _fixed_part(pattern)
        for match in matches:
            if os.path.isdir(match):
                if fixed != match and len(matches) > 1:
                    _scan_folder(sources, match, fixed)
                else:
                    _scan_folder(sources, match, match)
            elif os.path.isfile(match):
                kind = kind_of(match) or "folder"  # a file the user names is taken as a picture whatever its suffix
                _add(sources, kind, fixed if fixed != match else os.path.dirname(match) or ".", match, os.stat(match))
            else:
                raise LibraryError(
                    f"config: {key} = {pattern!r}: no such file or folder; a folder, a glob, tars or Parquet files are allowed"
                )
        if not matches:
            raise LibraryError(f"config: {key} = {pattern!r}: matches nothing")
    return [sources[name] for name in sorted(sources)]


def _fixed_part(pattern: str) -> str:
    """The folder a pattern starts from: all before its first wildcard."""
    if not any(sign in pattern for sign in WILDCARDS):
        return pattern
    parts: list[str] = []
    for part in pattern.split(os.sep):
        if any(sign in part for sign in WILDCARDS):
            break
        parts.append(part)
    return os.sep.join(parts) or (os.sep if pattern.startswith(os.sep) else ".")


def _scan_folder(sources: dict[str, Source], folder: str, root: str) -> None:
    sources.setdefault(f"folder:{root}", Source("folder", root))
    for entry in _walk(folder):
        kind = kind_of(entry.name)
        if kind is None:
            sources[f"folder:{root}"].skipped[os.path.splitext(entry.name)[1].lower() or "none"] += 1
        else:
            _add(sources, kind, root, entry.path, entry.stat(follow_symlinks=True))


def digest_of_file(path: str | os.PathLike[str]) -> str:
    """BLAKE2b-128 of a file's bytes: what ingest records for a picture file, and what a touched file is compared with."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def fingerprint(path: str | os.PathLike[str]) -> str:
    """A digest of a tar's or Parquet file's size and of samples of its bytes: ends and 16 places between.

    Tells a touched container from a rewritten one without reading gigabytes; the ends hold a Parquet file's footer and a tar's first headers.
    """
    size = os.path.getsize(path)
    digest = hashlib.blake2b(str(size).encode(), digest_size=16)
    places = [(0, 65_536), *((size * part // 17, 4_096) for part in range(1, 17)), (max(0, size - 65_536), 65_536)]
    with Path(path).open("rb") as stream:
        for start, length in places:
            stream.seek(start)
            digest.update(stream.read(length))
    return digest.hexdigest()
