"""UnicBench from a Hugging Face dataset."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unicedit.benchmark.files import sample_of
from unicedit.benchmark.record import BenchmarkError, Record, record_of
from unicedit.benchmark.sample import Sample
from unicedit.config.benchmark import RecordsSettings


def open_dataset(settings: RecordsSettings, cache: Path) -> Any:
    """The dataset's split, its pictures undecoded. Raises ``BenchmarkError`` where it cannot be had or has no column ``image``."""
    import datasets

    name = f"{settings.dataset}, split {settings.split}"
    try:
        found = datasets.load_dataset(settings.dataset, split=settings.split, revision=settings.revision, cache_dir=str(cache))
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        said = " ".join(str(error).split())[:300]
        offline = "; HF_HUB_OFFLINE is set" if os.environ.get("HF_HUB_OFFLINE") else ""
        raise BenchmarkError(
            f"{name}: cannot be loaded ({type(error).__name__}: {said}){offline}; benchmark.source `files` takes a clone"
        ) from error
    if "image" not in found.column_names:
        raise BenchmarkError(f"{name}: no column `image`, but {', '.join(found.column_names)}; name the dataset of the benchmark")
    return found.cast_column("image", datasets.Image(decode=False))


def read_dataset(dataset: Any, name: str) -> list[Record]:
    """The records of the dataset, in order. Raises ``BenchmarkError`` that names the row."""
    plain = dataset.remove_columns("image")
    return [record_of(_filled(row), f"{name}: row {number}") for number, row in enumerate(plain, 1)]


def _filled(row: dict[str, Any]) -> dict[str, Any]:
    """A row as a line of the jsonl file: a column is there for every row, and empty where the line has no such field."""
    found = {key: value for key, value in row.items() if value is not None}
    return {"image_path": f"images/{row.get('key')}.png", **found}


def hub_samples(records: list[Record], dataset: Any, name: str, settings: RecordsSettings) -> Iterator[Sample]:
    """The samples with their pictures, in order. Raises ``BenchmarkError`` for a picture that is missing or cannot be read."""
    for number, (record, row) in enumerate(zip(records, dataset, strict=True), 1):
        place = f"{name}: row {number} ({record.key})"
        content = (row["image"] or {}).get("bytes")
        if not content:
            raise BenchmarkError(f"{place}: no picture in the dataset; another revision may have it")
        yield sample_of(record, content, place, settings)
