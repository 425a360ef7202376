"""What the library holds now: names, sizes, times. Only the head process scans; no picture is opened."""

import glob
import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from unicedit.config.library import LibrarySettings
from unicedit.errors import PipelineError
from unicedit.index.names import shown

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".avif", ".gif"})
TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz")
WILDCARDS = "*?["


@dataclass(frozen=True, slots=True)
class Found:
    """One file: its name relative to the source's root, bytes, time of last change (nanoseconds); ``fault`` says why it cannot be read."""

    name: str
    size: int
    mtime: int
    fault: str | None = None


@dataclass(slots=True)
class Source:
    """Files of one kind under one root: ``folder``, ``webdataset``, ``parquet`` or ``world``. Names and root are as ``names.shown`` gives them."""

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


def _walk(folder: str) -> Iterator[tuple[str, os.stat_result | str]]:
    """Files below a folder, each with its status or the reason why it cannot be read; so is a sub-folder that cannot be listed (with a slash at its end).

    Links to folders are not followed: they may lead out of it, or round in a circle.
    """
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(place) as entries:
                listed = list(entries)
        except OSError as error:
            if place == folder:
                raise
            yield place + os.sep, f"unreadable: {error.strerror}"
            continue
        for entry in listed:
            if entry.name.startswith("."):
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                    continue
            except OSError as error:
                yield entry.path, f"unreadable: {error.strerror}"
                continue
            yield entry.path, _status(entry.path)


def _status(path: str) -> os.stat_result | str:
    """The status of a regular file, links followed, or why there is none."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return "dangling_link: leads to nothing" if os.path.islink(path) else "unreadable: gone while the library was scanned"
    except OSError as error:
        return f"unreadable: {error.strerror}"
    if stat.S_ISREG(status.st_mode):
        return status
    return "not_a_file: " + ("links to folders are not followed" if stat.S_ISDIR(status.st_mode) else "a pipe, socket or device")


def _add(sources: dict[str, Source], kind: str, root: str, path: str, status: os.stat_result | str) -> None:
    if isinstance(status, str):
        kind = "folder"  # a container that cannot be opened is one row, as a picture is
    root = shown(os.path.normpath(root))
    source = sources.setdefault(f"{kind}:{root}", Source(kind, root))
    name = os.path.relpath(shown(path), root).replace(os.sep, "/") + ("/" if path.endswith(os.sep) else "")
    if isinstance(status, str):
        source.files[name] = Found(name, 0, 0, status)
    else:
        source.files[name] = Found(name, status.st_size, status.st_mtime_ns)


def _patterns(settings: LibrarySettings) -> tuple[list[str], str]:
    """The configured paths, and the keys that name them."""
    patterns = [settings.path] if isinstance(settings.path, str) else list(settings.path)
    key = "library.path"
    if settings.list_file:
        listed = Path(settings.list_file)
        try:
            text = listed.read_text(encoding="utf-8")
        except OSError as error:
            why = "no such file" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
            raise LibraryError(f"config: library.list_file = {settings.list_file!r}: {why}") from error
        except UnicodeDecodeError as error:
            raise LibraryError(
                f"config: library.list_file = {settings.list_file!r}: is no text in UTF-8 (byte {error.start}); one path a line is allowed"
            ) from error
        lines = [line.strip() for line in text.splitlines()]
        patterns += [os.path.join(listed.parent, line) for line in lines if line and not line.startswith("#")]
        key = "library.path and library.list_file"
    return [os.path.expanduser(pattern) for pattern in patterns if pattern], key


def scan(settings: LibrarySettings) -> list[Source]:
    """Every source of the configured library, sorted. Raises ``LibraryError`` when a path names nothing, or a list file cannot be read."""
    patterns, key = _patterns(settings)
    sources: dict[str, Source] = {}
    for pattern in patterns:
        # what is there under that very name is meant, brackets and all
        literal = os.path.lexists(pattern) or not any(sign in pattern for sign in WILDCARDS)
        matches = [pattern] if literal else sorted(glob.glob(pattern, recursive=True))
        fixed = pattern if literal else _fixed_part(pattern)
        if literal and not os.path.exists(pattern):
            raise LibraryError(f"config: {key} = {pattern!r}: no such file or folder; a folder, a glob, tars or Parquet files are allowed")
        if not matches:
            raise LibraryError(f"config: {key} = {pattern!r}: matches nothing")
        for match in matches:
            if os.path.isdir(match):
                try:
                    _scan_folder(sources, match, fixed if fixed != match and len(matches) > 1 else match)
                except OSError as error:
                    raise LibraryError(f"config: {key} = {match!r}: cannot be read ({error.strerror})") from error
            else:
                kind = kind_of(match) or "folder"  # a file the user names is taken as a picture whatever its suffix
                _add(sources, kind, fixed if fixed != match else os.path.dirname(match) or ".", match, _status(match))
    return [sources[name] for name in sorted(sources)]


def _fixed_part(pattern: str) -> str:
    """The folder a pattern starts from: all before its first wildcard."""
    parts: list[str] = []
    for part in pattern.split(os.sep):
        if any(sign in part for sign in WILDCARDS):
            break
        parts.append(part)
    return os.sep.join(parts) or (os.sep if pattern.startswith(os.sep) else ".")


def _scan_folder(sources: dict[str, Source], folder: str, root: str) -> None:
    shown_root = shown(os.path.normpath(root))
    skipped = sources.setdefault(f"folder:{shown_root}", Source("folder", shown_root)).skipped
    for path, status in _walk(folder):
        kind = kind_of(path)
        if kind is None and not path.endswith(os.sep):
            skipped[shown(os.path.splitext(path)[1].lower()) or "none"] += 1
        else:
            _add(sources, kind or "folder", root, path, status)
