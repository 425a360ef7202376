"""The rows of one file, by number: what every format gives."""

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from unicedit.errors import PipelineError
from unicedit.map.stage import RowError
from unicedit.triplets.mapping import Part

MAX_LINE_BYTES = 1 << 20
MAX_JSON_FILE_BYTES = 2 << 30

Record = dict[str, Any]


class Records(ABC):
    """Rows of a file. ``len`` is cheap beside reading pictures; opening checks that the mapping's columns are there."""

    def __init__(self, path: Path, part: Part) -> None:
        self.path = path
        self.part = part

    @abstractmethod
    def __len__(self) -> int:
        """How many rows the file has."""

    @abstractmethod
    def read(self, rows: Sequence[int]) -> Iterator[Record | RowError]:
        """The rows of these ascending numbers, only the columns that the mapping names; an error in place of a row that cannot be read."""

    def _check(self, columns: Sequence[str]) -> None:
        """Raise ``PipelineError`` where the file lacks a column of the mapping."""
        for name in dict.fromkeys([self.part.source.column, self.part.edited.column, *self.part.texts]):
            if name not in columns:
                raise PipelineError(
                    f"{self.path}: no column {name!r}, it has {', '.join(sorted(columns))[:300]}; "
                    f"was it published anew? Correct the mapping's part {self.part.files!r}"
                )


class JsonLines(Records):
    """One JSON object a line; the places of the lines are held, not the lines."""

    def __init__(self, path: Path, part: Part) -> None:
        super().__init__(path, part)
        self._places: list[int] = []
        place = 0
        with path.open("rb") as stream:
            for line in _lines(stream):
                if line.strip():
                    self._places.append(place)
                place += len(line)
        first = next(self.read([0]), None) if self._places else None
        if isinstance(first, dict):
            self._check(list(first))

    def __len__(self) -> int:
        return len(self._places)

    def read(self, rows: Sequence[int]) -> Iterator[Record | RowError]:
        with self.path.open("rb") as stream:
            for row in rows:
                stream.seek(self._places[row])
                yield _object(stream.readline(MAX_LINE_BYTES + 1))


class JsonArray(Records):
    """One JSON file that is an array of objects. It has to be parsed whole, and is parsed again to be read: a dataset's files together may be large."""

    def __init__(self, path: Path, part: Part) -> None:
        super().__init__(path, part)
        if os.path.getsize(path) > MAX_JSON_FILE_BYTES:
            raise PipelineError(f"{path}: larger than {MAX_JSON_FILE_BYTES >> 20} MiB: write it as JSON lines and set format to jsonl")
        held = self._load()
        self._count = len(held)
        if held and isinstance(held[0], dict):
            self._check(list(held[0]))

    def _load(self) -> list[Any]:
        try:
            held = json.loads(self.path.read_bytes())
        except (ValueError, RecursionError) as error:
            raise PipelineError(f"{self.path}: not valid JSON ({error}); is the file whole, and not a Git LFS pointer?") from error
        if not isinstance(held, list):
            raise PipelineError(f"{self.path}: holds no array of rows; if it holds one object a line, set format to jsonl")
        return held

    def __len__(self) -> int:
        return self._count

    def read(self, rows: Sequence[int]) -> Iterator[Record | RowError]:
        held = self._load()
        for row in rows:
            found = held[row]
            yield found if isinstance(found, dict) else RowError("not_an_object: the row is no JSON object")


def _lines(stream: Any) -> Iterator[bytes]:
    """Lines of a file, each in pieces of bounded size where it has no end; a piece counts as a line."""
    while line := stream.readline(MAX_LINE_BYTES + 1):
        yield line


def _object(line: bytes) -> Record | RowError:
    if len(line) > MAX_LINE_BYTES:
        return RowError(f"too_large: a line of more than {MAX_LINE_BYTES} bytes")
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        return RowError(f"not_json: {' '.join(str(error).split())[:200]}")
    return found if isinstance(found, dict) else RowError("not_an_object: the line is no JSON object")
