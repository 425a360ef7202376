"""The benchmark's records with their pictures, from wherever the settings say, as one table."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import pyarrow as pa

from unicedit.benchmark.files import file_samples, jsonl_of, read_jsonl
from unicedit.benchmark.frozen import check_frozen
from unicedit.benchmark.record import Record, check_records, record_of
from unicedit.benchmark.sample import Sample, row_of
from unicedit.benchmark.schema import RECORDS
from unicedit.config.benchmark import RecordsSettings
from unicedit.files import appearing_whole
from unicedit.map.stage import Row
from unicedit.parquet import writer

ROW_GROUP_ROWS = 16  # pictures are large


def samples_of(settings: RecordsSettings, task_of: Mapping[str, str], cache: Path) -> Iterator[Sample]:
    """Every sample, in the benchmark's order; all records are checked before the first. Raises ``BenchmarkError``."""

    def checked(records: list[Record], name: str) -> list[Record]:
        check_records(records, name, task_of, settings.subtasks, settings.per_subtask)
        return records

    if settings.source == "files":
        assert settings.path is not None
        jsonl = jsonl_of(settings.path)
        check_frozen(jsonl)
        yield from file_samples(checked(read_jsonl(jsonl), str(jsonl)), jsonl, settings)
    elif settings.source == "hub":
        from unicedit.benchmark.hub import hub_samples, open_dataset, read_dataset

        dataset = open_dataset(settings, cache)
        yield from hub_samples(checked(read_dataset(dataset, settings.dataset), settings.dataset), dataset, settings.dataset, settings)
    elif settings.source == "mapped":
        from unicedit.benchmark.mapped import mapped_samples
        from unicedit.benchmark.mapping import load_mapping

        yield from mapped_samples(load_mapping(str(settings.mapping)), settings)
    else:
        from unicedit.world.benchmark import world_picture, world_records, world_size

        made = list(world_records(task_of, settings.per_subtask))
        records = checked([record_of(values, "simulated benchmark") for values, _ in made], "simulated benchmark")
        for record, (_, name) in zip(records, made, strict=True):
            yield Sample(record, world_picture(name, record.resolution), name, world_size(name))


def write_records(settings: RecordsSettings, task_of: Mapping[str, str], cache: Path, out: Path) -> int:
    """Write the table of records; returns the number of rows."""
    return write_rows((row_of(sample, settings.encoding) for sample in samples_of(settings, task_of, cache)), out)


def write_rows(records: Iterable[Row], out: Path) -> int:
    """Write rows of the table of records, a few pictures at a time; returns their number."""
    rows = 0
    remaining = iter(records)
    with appearing_whole(out) as temporary, writer(temporary, RECORDS) as opened:
        while group := list(islice(remaining, ROW_GROUP_ROWS)):
            opened.write_table(pa.Table.from_pylist(group, schema=RECORDS), row_group_size=ROW_GROUP_ROWS)
            rows += len(group)
    return rows
