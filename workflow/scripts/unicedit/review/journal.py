"""The files of decisions: one a reviewer, written by one process, each line confirmed by the disk before the page is answered."""

import fcntl
import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from unicedit.review.decision import NAME, Decision, Form, ReviewError, fault_of, read_whole

log = logging.getLogger(__name__)


def reviewer_name(name: str) -> str:
    """The reviewer's pseudonym if it is one. Raises ``ReviewError`` for what is no short word: it becomes a file's name and stands in the data."""
    if not re.fullmatch(NAME, name) or name.startswith("."):
        raise ReviewError(f"reviewer {name[:80]!r}: give a pseudonym of 1 to 60 letters, digits, '_', '-' or '.', such as REVIEWER=anna")
    return name


def read_folder(folder: Path, form: type[Form]) -> list[Form]:
    """The decisions of all files in a folder. A last line that was cut off is no decision, for the page was never answered: it is reported, and left out."""
    found: list[Form] = []
    for path in sorted(folder.glob("*.jsonl")):
        decisions, torn = read_whole(path, form)
        if torn:
            log.warning("%s: the last line was cut off while it was written (%d bytes), and is left out", path, len(torn))
        found += decisions
    return found


@dataclass
class Journal:
    """One reviewer's file, open for appending. ``decisions`` are those that it holds, in order."""

    path: Path
    reviewer: str
    form: type[Decision]
    decisions: list[Decision]
    _file: int

    def add(self, key: str, shown: str, decision: str, **more: Any) -> Decision:
        """Append a decision and return it once the disk has it; ``more`` are ``texts``, ``reason`` and ``settles``.

        Raises ``ReviewError`` for a decision that does not fit, ``OSError`` where it cannot be written; nothing of it is in the file then.
        """
        values = {"key": key, "shown": shown, "decision": decision, "reviewer": self.reviewer, "time": self._now(), **more}
        try:
            made = self.form.model_validate(values)
        except ValidationError as error:
            raise ReviewError(fault_of(error)) from error
        size, line = os.fstat(self._file).st_size, made.line()
        try:
            if os.write(self._file, line) != len(line):
                raise OSError(f"{self.path}: the line could not be written whole; is the disk full?")
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, size)  # what was not confirmed must not stand before the next line
            raise
        self.decisions.append(made)
        return made

    def _now(self) -> str:
        """The time, after that of the last decision even where the clock was set back: a later line must win."""
        now = datetime.now(UTC)
        if self.decisions:
            now = max(now, datetime.fromisoformat(self.decisions[-1].when).replace(tzinfo=UTC) + timedelta(microseconds=1))
        return now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@contextmanager
def opened(folder: Path, reviewer: str, form: type[Decision]) -> Iterator[Journal]:
    """Open the reviewer's file in a folder for appending; it is made if there is none.

    What was written of a last line that was cut off goes into ``<reviewer>.torn``, for the next line must begin on its own. Raises ``ReviewError`` where another process
    has the file open, or a line of it cannot be read.
    """
    path = folder / f"{reviewer_name(reviewer)}.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ReviewError(f"{path}: {reviewer} is reviewing in another window; close that one, or take another REVIEWER") from None
        _confirm(folder)
        decisions, torn = read_whole(path, form)
        _check_reviewer(path, reviewer, decisions)
        if torn:
            _set_aside(path, file, torn)
        yield Journal(path, reviewer, form, list(decisions), file)
    finally:
        os.close(file)


def _confirm(folder: Path) -> None:
    """Have the disk confirm the name of a file that was made just now."""
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def _check_reviewer(path: Path, reviewer: str, decisions: Sequence[Decision]) -> None:
    other = next((one.reviewer for one in decisions if one.reviewer != reviewer), None)
    if other is not None:
        raise ReviewError(f"{path}: holds decisions of {other}; take another REVIEWER, for each has a file of their own")


def _set_aside(path: Path, file: int, torn: bytes) -> None:
    aside = path.with_suffix(".torn")
    with aside.open("ab") as stream:
        stream.write(torn + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    os.ftruncate(file, os.fstat(file).st_size - len(torn))
    os.fsync(file)
    log.warning("%s: the last line was cut off while it was written; its %d bytes are in %s", path, len(torn), aside.name)
