"""A sample of a dataset's triplets: the same for the same files, mapping and seed."""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from unicedit.errors import PipelineError
from unicedit.ingest.decode import decode
from unicedit.ingest.reader import text
from unicedit.map.stage import RowError
from unicedit.schema import FAILED, OK, REJECTED
from unicedit.triplets.limits import Limits
from unicedit.triplets.mapping import Mapping, Part, Picture
from unicedit.triplets.parquet_records import ParquetRecords
from unicedit.triplets.records import JsonArray, JsonLines, Record, Records
from unicedit.triplets.tar_records import TarRecords

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A row that was drawn, its place among the draws, and its triplet (pictures as they are encoded in the dataset, both known to decode) where it is ok.

    ``rejected``: by design no triplet (several source pictures); another row was drawn in its stead. ``failed``: it cannot be read, and counts.
    """

    position: int
    place: str  # file::row, the file relative to the root
    status: str
    reason: str | None = None
    key: str | None = None
    task: str | None = None
    subtask: str | None = None
    instruction_en: str | None = None
    instruction_cn: str | None = None
    source: bytes | None = None
    edited: bytes | None = None


class NoTriplet(RowError):
    """The row is no triplet by design."""


def draw(root: Path, mapping: Mapping, n: int, seed: int, limits: Limits) -> Iterator[Drawn]:
    """Draw ``n`` rows at random without replacement, in the order of the files; rejected rows come on top.

    Raises ``PipelineError`` where files or columns are not as the mapping says. A dataset with fewer rows is given whole, with a warning.
    """
    opened = _open(root, mapping, limits)
    ends = np.cumsum([len(records) for _, records in opened], dtype=np.int64)
    total = int(ends[-1])
    order = np.random.Generator(np.random.PCG64(seed)).permutation(total)
    begin, counted = 0, 0
    while counted < n and begin < total:
        chosen = order[begin : begin + n - counted]
        for drawn in _read(root, opened, ends, chosen, begin, limits):
            counted += drawn.status != REJECTED
            yield drawn
        begin += len(chosen)
    if counted < n:
        log.warning("%s: %d rows were asked for, it has %d that may be triplets", mapping.name, n, counted)


def files_of(root: Path, mapping: Mapping) -> list[tuple[str, Part]]:
    """The dataset's files by their names relative to the root, each with the part that says how to read it."""
    found = []
    for part in mapping.parts:
        paths = (path.relative_to(root) for path in root.glob(part.files) if path.is_file())
        names = sorted(path.as_posix() for path in paths if not any(path.match(pattern) for pattern in part.leave_out))
        found += [(name, part) for name in names]
    return found


def _open(root: Path, mapping: Mapping, limits: Limits) -> list[tuple[str, Records]]:
    """Every file of the dataset, by its name relative to the root."""
    found = [(name, open_records(root / name, part, limits)) for name, part in files_of(root, mapping)]
    if not found:
        patterns = ", ".join(part.files for part in mapping.parts)
        raise PipelineError(
            f"{root}: no file of {mapping.name} ({patterns}); --root is the folder that the dataset {mapping.id} was fetched into"
        )
    if not any(len(records) for _, records in found):
        raise PipelineError(f"{root}: the {len(found)} files of {mapping.name} have no row")
    return found


def open_records(path: Path, part: Part, limits: Limits) -> Records:
    """The rows of one file. Raises ``PipelineError`` where it is not as its part says."""
    if part.format == "parquet":
        return ParquetRecords(path, part)
    if part.format == "webdataset":
        return TarRecords(path, part, int(limits.max_file_mb * 1e6))
    return JsonLines(path, part) if part.format == "jsonl" else JsonArray(path, part)


def _read(root: Path, opened: list[tuple[str, Records]], ends: Any, chosen: Any, begin: int, limits: Limits) -> Iterator[Drawn]:
    sorting = np.argsort(chosen, kind="stable")
    ascending = chosen[sorting]
    of_file = np.searchsorted(ends, ascending, side="right")
    for number in np.unique(of_file):
        name, records = opened[number]
        own = of_file == number
        rows = [int(row) for row in ascending[own] - (ends[number - 1] if number else 0)]
        for position, row, record in zip(sorting[own], rows, records.read(rows), strict=True):
            yield _drawn(root, name, row, begin + int(position), records.part, record, limits)


def _drawn(root: Path, name: str, row: int, position: int, part: Part, record: Record | RowError, limits: Limits) -> Drawn:
    place = f"{name}::{row}"
    if isinstance(record, RowError):
        return Drawn(position, place, FAILED, str(record))
    texts = {column: text_of(record.get(column)) for column in part.texts}
    said = part.instruction
    about = Drawn(
        position,
        place,
        FAILED,
        key=texts.get(part.key or ""),
        task=texts.get(part.task or ""),
        subtask=texts.get(part.subtask or ""),
        instruction_en=texts.get(said.en or ""),
        instruction_cn=texts.get(said.cn or ""),
    )
    try:
        if not (about.instruction_en or about.instruction_cn):
            raise RowError(f"no_instruction: {', '.join(said.columns)} holds no text")
        source, edited = (content_of(root, root / name, picture, record, limits) for picture in (part.source, part.edited))
        for content in (source, edited):
            decode(content, limits.max_file_mb, limits.max_megapixels)
    except NoTriplet as error:
        return replace(about, status=REJECTED, reason=str(error))
    except RowError as error:
        return replace(about, reason=str(error))
    return replace(about, status=OK, source=source, edited=edited)


def text_of(value: Any) -> str | None:
    """A text as a row holds it, in a list of one too; None for anything else and for blanks."""
    found = value[0] if isinstance(value, list) and len(value) == 1 else value
    return (text(found) or "").strip() or None if isinstance(found, str | int) else None


def content_of(root: Path, file: Path, picture: Picture, record: Record, limits: Limits) -> bytes:
    """The bytes of a row's picture. Raises ``RowError``."""
    value = record.get(picture.column)
    if isinstance(value, list):
        if len(value) != 1:
            raise NoTriplet(f"not_a_triplet: {picture.column} holds {len(value)} pictures")
        value = value[0]
    if isinstance(value, dict):
        value = value.get("bytes") or value.get("path")
    if isinstance(value, bytes) and picture.kind != "path":
        return value
    if not isinstance(value, str) or picture.kind not in ("path", "struct"):
        raise RowError(f"no_picture: {picture.column} holds none")
    base = root if picture.relative_to == "root" else file.parent
    return _file(root, base / picture.folder / value.removeprefix(picture.strip), limits)


def _file(root: Path, path: Path, limits: Limits) -> bytes:
    """A file below the root; a dataset's own paths lead nowhere else."""
    try:
        top, real = os.path.realpath(root), os.path.realpath(path)
        if os.path.commonpath([top, real]) != top:
            raise RowError("outside: the path leads out of the dataset's folder")
        if (size := os.stat(real).st_size) > limits.max_file_mb * 1e6:
            raise RowError(f"too_large: {size / 1e6:.1f} MB > {limits.max_file_mb:g} MB")
        return Path(real).read_bytes()
    except (OSError, ValueError) as error:
        raise RowError(f"unreadable: {getattr(error, 'strerror', None) or error}") from error
