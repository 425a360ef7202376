"""Another benchmark's samples, from the Arrow or Parquet files of its clone, through a mapping."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from unicedit.benchmark.files import sample_of
from unicedit.benchmark.mapping import BenchMapping
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
    for place, row in _rows(files, mapping.light):
        record = _record(mapping, row, place)
        if record.key in keys:
            raise BenchmarkError(f"{place}: the key {record.key} is there twice; fetch the benchmark again")
        keys.add(record.key)
    for place, row in _rows(files, [*mapping.light, mapping.picture]):
        record = _record(mapping, row, place)
        yield sample_of(record, _bytes(row[mapping.picture], place), place, settings)


def _rows(files: Sequence[Path], columns: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in files:
        try:
            names, batches = _opened(path)
            if missing := [name for name in columns if name not in names]:
                raise BenchmarkError(f"{path}: no column {missing[0]!r}, but {', '.join(names)}; correct the mapping")
            number = 0
            for batch in batches:
                for start in range(0, batch.num_rows, _ROWS):
                    for row in batch.select(columns).slice(start, _ROWS).to_pylist():
                        number += 1
                        yield f"{path}: row {number}", row
        except (pa.ArrowException, OSError) as error:
            raise BenchmarkError(f"{path}: cannot be read ({' '.join(str(error).split())[:200]}); fetch it again") from error


def _opened(path: Path) -> tuple[list[str], Iterator[pa.RecordBatch]]:
    if path.suffix == ".arrow":
        stream = pa.ipc.open_stream(pa.memory_map(str(path)))
        return stream.schema.names, iter(stream)
    file = pq.ParquetFile(path)
    return file.schema_arrow.names, file.iter_batches(batch_size=_ROWS)


def _record(mapping: BenchMapping, row: dict[str, Any], place: str) -> MappedRecord:
    of = {mapping.language.en: "en", mapping.language.cn: "cn"}
    language, group = of.get(str(row[mapping.language.column])), row[mapping.group]
    if language is None:
        raise BenchmarkError(
            f"{place}: {mapping.language.column} is {clean(str(row[mapping.language.column]))[:60]!r}; {' or '.join(of)} is expected"
        )
    if group not in mapping.groups:
        raise BenchmarkError(f"{place}: {mapping.group} is {clean(str(group))[:60]!r}, none of the mapping's groups: add it there")
    subset = mapping.subset.name if mapping.subset and row[mapping.subset.column] else None
    values = {
        "key": f"{row[mapping.key]}-{language}",
        "task": mapping.name,
        "subtask": group,
        language: row[mapping.instruction],
        "subset": subset,
    }
    try:
        return MappedRecord.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BenchmarkError(f"{place}: {'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}") from error


def _bytes(value: object, place: str) -> bytes:
    content = value.get("bytes") if isinstance(value, dict) else value
    if not isinstance(content, bytes) or not content:
        raise BenchmarkError(f"{place}: no picture in the file; fetch the benchmark with its pictures")
    return content
