"""Another benchmark's samples, from the Arrow, Parquet or JSON files of its clone, through a mapping."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from unicedit.benchmark.files import picture_of, sample_of
from unicedit.benchmark.mapped_json import json_rows, pictures_named
from unicedit.benchmark.mapping import BenchMapping, LanguageColumn
from unicedit.benchmark.record import BenchmarkError, MappedRecord
from unicedit.benchmark.sample import Sample
from unicedit.config.benchmark import RecordsSettings
from unicedit.vlm.reply import clean

_ROWS = 16  # pictures are large


def mapped_samples(mapping: BenchMapping, settings: RecordsSettings) -> Iterator[Sample]:
    """Every sample, in the files' order; all rows are checked before the first. Raises ``BenchmarkError`` that names file and row."""
    assert settings.path is not None
    files = sorted({path for name in mapping.files for path in Path(settings.path).expanduser().glob(name)})
    if not files:
        raise BenchmarkError(
            f"{settings.path}: no file of {mapping.name} ({', '.join(mapping.files)}); name the folder of a clone of {mapping.id}"
        )
    keys: set[str] = set()
    for place, row, _ in _rows(files, mapping, pictures=False):
        record = _record(mapping, row, place)
        if record.key in keys:
            raise BenchmarkError(f"{place}: the key {record.key} is there twice; fetch the benchmark again")
        keys.add(record.key)
    for place, row, path in _rows(files, mapping, pictures=True):
        folder = Path(settings.images).expanduser() if settings.images else path.parent
        first, *others = _pictures(row[mapping.picture], path, folder, place) or [b""]
        if not first:
            raise BenchmarkError(f"{place}: no picture in the file; fetch the benchmark with its pictures")
        reference = _pictures(row.get(mapping.reference), path, folder, place) if mapping.reference else []
        yield sample_of(
            _record(mapping, row, place),
            first,
            place,
            settings,
            others=tuple(picture_of(one, place, settings) for one in others),
            reference=picture_of(reference[0], place, settings) if reference else None,
        )


def _rows(files: Sequence[Path], mapping: BenchMapping, pictures: bool) -> Iterator[tuple[str, dict[str, Any], Path]]:
    """Place, columns and file of each row."""
    shown = [mapping.picture, *([mapping.reference] if mapping.reference else [])]
    for path in files:
        if path.suffix == ".json":
            for place, row in json_rows(path):
                _has(path, place, [*mapping.text_columns, mapping.picture], list(row))
                yield place, row, path
            continue
        told = [mapping.note] if mapping.note else []
        columns = [*mapping.text_columns, *told, *(shown if pictures else [])]
        try:
            names, batches = _opened(path)
            _has(path, str(path), columns, names)
            number = 0
            for batch in batches:
                for start in range(0, batch.num_rows, _ROWS):
                    for row in batch.select(columns).slice(start, _ROWS).to_pylist():
                        number += 1
                        yield f"{path}: row {number}", row, path
        except (pa.ArrowException, OSError) as error:
            raise BenchmarkError(f"{path}: cannot be read ({' '.join(str(error).split())[:200]}); fetch it again") from error


def _has(path: Path, place: str, columns: Sequence[str], names: Sequence[str]) -> None:
    if missing := [name for name in columns if name not in names]:
        there = ", ".join(clean(name)[:60] for name in names)
        raise BenchmarkError(f"{place}: no column {missing[0]!r}, but {there}; correct the mapping")


def _opened(path: Path) -> tuple[list[str], Iterator[pa.RecordBatch]]:
    if path.suffix == ".arrow":
        stream = pa.ipc.open_stream(pa.memory_map(str(path)))
        return stream.schema.names, iter(stream)
    file = pq.ParquetFile(path)
    return file.schema_arrow.names, file.iter_batches(batch_size=_ROWS)


def _record(mapping: BenchMapping, row: dict[str, Any], place: str) -> MappedRecord:
    key = "-".join(str(row[name]) for name in mapping.key)
    if isinstance(mapping.language, LanguageColumn):
        language = _language(mapping.language, row, place)
        key = f"{key}-{language}"  # the languages of a benchmark share their keys
    else:
        language = mapping.language
    group = row[mapping.group]
    if group not in mapping.groups:
        raise BenchmarkError(f"{place}: {mapping.group} is {clean(str(group))[:60]!r}, none of the mapping's groups: add it there")
    values = {
        "key": key,
        "task": mapping.name,
        "subtask": group,
        language: row[mapping.instruction],
        "subset": mapping.subset.name if mapping.subset and row[mapping.subset.column] else None,
        "note": (row.get(mapping.note) or "") if mapping.note else "",
    }
    try:
        return MappedRecord.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BenchmarkError(f"{place}: {'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}") from error


def _language(column: LanguageColumn, row: dict[str, Any], place: str) -> str:
    of = {column.en: "en", column.cn: "cn"}
    language = of.get(str(row[column.column]))
    if language is None:
        raise BenchmarkError(f"{place}: {column.column} is {clean(str(row[column.column]))[:60]!r}; {' or '.join(of)} is expected")
    return language


def _pictures(value: object, path: Path, folder: Path, place: str) -> list[bytes]:
    """The pictures of a cell: files that a JSON names, or one that is in the table; none where there is none."""
    if path.suffix == ".json":
        return pictures_named(value, folder, place)
    content = value.get("bytes") if isinstance(value, dict) else value
    return [content] if isinstance(content, bytes) and content else []
