"""What a scorer of pairs is, and where pairs come from: source and edit of a picture, side by side in folders or in Parquet files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from unicedit.errors import PipelineError
from unicedit.ingest.decode import decode
from unicedit.map.stage import RowError

MAX_FILE_MB = 64.0
MAX_MEGAPIXELS = 100.0


class PairScorer(Protocol):
    """``score`` gives for each pair of RGB pictures (source, edit) the values of ``columns``."""

    columns: ClassVar[Mapping[str, pa.DataType]]

    def score(self, source: Image.Image, edit: Image.Image) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Pair:
    """Source and edit as files' bytes of unknown origin; None where there is none."""

    key: str
    source: bytes | None
    edit: bytes | None


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the columns of Parquet files; the defaults are those of our dataset, and of the one the paper released."""

    key: str = "key"
    source: str = "src_image"
    edit: str = "edit_image"


def pairs_in(path: Path, columns: Columns) -> Iterator[Pair]:
    """The pairs of a Parquet file, of the Parquet files of a folder, or of a folder with `source` and `edit` in it, whose files belong together by their name
    without its ending. Raises ``PipelineError`` where there are none.
    """
    if path.is_dir() and (path / "source").is_dir() and (path / "edit").is_dir():
        yield from _of_folders(path / "source", path / "edit")
        return
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    if not files or not all(file.is_file() for file in files):
        raise PipelineError(f"{path}: no Parquet file, and no folder with Parquet files or with the folders `source` and `edit` in it")
    for file in files:
        yield from _of_table(file, columns)


def _of_folders(sources: Path, edits: Path) -> Iterator[Pair]:
    found: list[dict[str, Path]] = []
    for folder in (sources, edits):
        files = sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
        by_stem = {file.stem: file for file in files}
        if len(by_stem) < len(files):
            raise PipelineError(f"{folder}: two files have the same name but for its ending; pairs are matched by that name")
        found.append(by_stem)
    for name in sorted(found[0].keys() | found[1].keys()):
        yield Pair(name, *(_content(by_stem.get(name)) for by_stem in found))


def _content(path: Path | None) -> bytes | None:
    if path is None:
        return None
    with path.open("rb") as stream:
        return stream.read(int(MAX_FILE_MB * 1e6) + 1)  # a byte too many is refused as too large


def _of_table(path: Path, columns: Columns) -> Iterator[Pair]:
    try:
        with pq.ParquetFile(path) as file:
            missing = {columns.key, columns.source, columns.edit} - set(file.schema_arrow.names)
            if missing:
                raise PipelineError(f"{path}: has no column {', '.join(sorted(missing))}; it has {', '.join(file.schema_arrow.names)}")
            for batch in file.iter_batches(batch_size=16, columns=[columns.key, columns.source, columns.edit]):
                for row in batch.to_pylist():
                    yield Pair(str(row[columns.key]), _bytes(row[columns.source]), _bytes(row[columns.edit]))
    except pa.ArrowException as error:
        raise PipelineError(f"{path}: cannot be read as Parquet ({error})") from error


def _bytes(value: Any) -> bytes | None:
    """A cell of bytes, or of an Image of Hugging Face datasets; a path in it is not followed."""
    value = value.get("bytes") if isinstance(value, dict) else value
    return value if isinstance(value, bytes) else None


def scored(pairs: Iterator[Pair], scorer: PairScorer) -> Iterator[dict[str, Any]]:
    """A row a pair: its scores, ``ok``; or ``failed`` with the reason."""
    empty = dict.fromkeys(scorer.columns)
    for pair in pairs:
        try:
            pictures = [_picture(name, data) for name, data in (("source", pair.source), ("edit", pair.edit))]
        except RowError as error:
            yield {"key": pair.key, **empty, "status": "failed", "reason": str(error)}
        else:
            yield {"key": pair.key, **scorer.score(*pictures), "status": "ok", "reason": None}


def _picture(name: str, data: bytes | None) -> Image.Image:
    if data is None:
        raise RowError(f"missing: there is no {name}")
    try:
        return decode(data, MAX_FILE_MB, MAX_MEGAPIXELS).image
    except RowError as error:
        raise RowError(f"{error} ({name})") from error


def schema_of(scorer: PairScorer) -> pa.Schema:
    """The schema of a table of scores."""
    return pa.schema({"key": pa.string(), **scorer.columns, "status": pa.string(), "reason": pa.string()})


def table_of(rows: Sequence[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows as one chunk."""
    return pa.Table.from_pylist(list(rows), schema=schema).combine_chunks()
