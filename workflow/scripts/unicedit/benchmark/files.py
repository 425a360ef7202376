"""UnicBench from files: test_data.jsonl and a folder of images, as a clone of the public dataset has them."""

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL.Image import Image

from unicedit.benchmark.layout import NAME
from unicedit.benchmark.record import BenchmarkError, Record, record_of
from unicedit.benchmark.sample import Sample
from unicedit.config.benchmark import RecordsSettings
from unicedit.ingest.decode import decode
from unicedit.map.stage import RowError

log = logging.getLogger(__name__)
MAX_LINE = 100_000  # characters


def jsonl_of(path: str) -> Path:
    """The jsonl file that a path names: itself, or where a clone has it. Raises ``BenchmarkError`` where there is none."""
    whole = Path(path).expanduser()
    if whole.is_file():
        return whole
    for place in (whole / NAME, whole / "data" / NAME):
        if place.is_file():
            return place
    raise BenchmarkError(f"{path}: no {NAME} here, nor in data/; name the folder of a clone of the dataset, or the jsonl file itself")


def read_jsonl(path: Path) -> list[Record]:
    """The records of a jsonl file, in order. Raises ``BenchmarkError`` that names the row."""
    found = []
    with path.open(encoding="utf-8", errors="strict") as stream:
        try:
            for row, line in enumerate(stream, 1):
                place = f"{path}: row {row}"
                if not line.strip():
                    continue
                if len(line) > MAX_LINE:
                    raise BenchmarkError(f"{place}: {len(line)} characters, {MAX_LINE} are allowed; this is no record")
                try:
                    values = json.loads(line)
                except (json.JSONDecodeError, RecursionError):
                    raise BenchmarkError(f"{place}: no JSON; every line must hold one whole object: fetch the file again") from None
                found.append(record_of(values, place))
        except UnicodeDecodeError as error:
            raise BenchmarkError(f"{path}: not UTF-8 ({error.reason}); fetch the file again") from error
    return found


def images_of(jsonl: Path, settings: RecordsSettings, records: Sequence[Record]) -> Path:
    """The folder that ``image_path`` is relative to: the one that is set, the jsonl file's, or the one above it."""
    if settings.images:
        return Path(settings.images).expanduser()
    first = records[0].image_path if records else ""
    return next((folder for folder in (jsonl.parent, jsonl.parent.parent) if (folder / first).is_file()), jsonl.parent)


def file_samples(records: Sequence[Record], jsonl: Path, settings: RecordsSettings) -> Iterator[Sample]:
    """The samples with their pictures, in order. Raises ``BenchmarkError`` for a picture that is missing or cannot be read."""
    folder = images_of(jsonl, settings, records)
    other = 0
    for row, record in enumerate(records, 1):
        path = folder / record.image_path
        if not path.is_file():
            raise BenchmarkError(
                f"{jsonl}: row {row} ({record.key}): no picture {path}; fetch the dataset's images, or name their folder in benchmark.images"
            )
        sample = sample_of(record, path.read_bytes(), f"{path}", settings)
        other += sample.image.size != record.resolution
        yield sample
    if other:
        log.warning("%s: %d of %d pictures have another size than their record says", jsonl, other, len(records))


def sample_of(
    record: Record,
    content: bytes,
    place: str,
    settings: RecordsSettings,
    others: tuple[Image, ...] = (),
    reference: Image | None = None,
) -> Sample:
    """A record with its decoded pictures. Raises ``BenchmarkError`` that names ``place`` for bytes that are no picture."""
    image = picture_of(content, place, settings)
    return Sample(record, image, record.image_path, image.size, others, reference)


def picture_of(content: bytes, place: str, settings: RecordsSettings) -> Image:
    """A decoded picture, within the limits of the settings. Raises ``BenchmarkError`` that names ``place`` for bytes that are none."""
    try:
        return decode(content, settings.max_file_mb, settings.max_megapixels).image
    except RowError as error:
        raise BenchmarkError(f"{place}: {error}; fetch the picture again") from error
