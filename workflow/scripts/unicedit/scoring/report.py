"""What judgements say, as CSV files: one a kind of statistic, a line a figure."""

import csv
import logging
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from unicedit.errors import PipelineError
from unicedit.files import appearing_whole
from unicedit.scoring.aggregate import Mean
from unicedit.scoring.agreement import Agreement
from unicedit.scoring.failures import Failure
from unicedit.scoring.neighbours import Neighbours
from unicedit.scoring.repeats import RepeatSpread
from unicedit.scoring.schema import JUDGEMENTS
from unicedit.scoring.statistics import Statistics, statistics

log = logging.getLogger(__name__)
FILES: dict[str, type] = {"means": Mean, "neighbours": Neighbours, "repeats": RepeatSpread, "agreement": Agreement, "failures": Failure}


def read_judgements(paths: Sequence[Path]) -> pa.Table:
    """The judgements in Parquet files that hold the columns of ``JUDGEMENTS``, and maybe more. Raises ``PipelineError`` that names a file which does not."""
    found = []
    for path in paths:
        try:
            columns = pq.read_schema(path).names
            missing = [name for name in JUDGEMENTS.names if name not in columns]
            if missing:
                raise PipelineError(f"{path}: no column {missing[0]!r}; a table of judgements has {', '.join(JUDGEMENTS.names)}")
            found.append(pq.read_table(path, columns=JUDGEMENTS.names).cast(JUDGEMENTS))
        except (pa.ArrowException, OSError) as error:
            raise PipelineError(f"{path}: no table of judgements ({' '.join(str(error).split())[:200]})") from error
    return pa.concat_tables(found)


def write_statistics(paths: Sequence[Path], folder: Path, repeats: int | None, resamples: int, seed: int, confidence: float) -> Statistics:
    """Write ``means``, ``neighbours``, ``repeats``, ``agreement`` and ``failures`` (each .csv) into ``folder``; log what the reader must not miss."""
    found = statistics(read_judgements(paths), None, repeats, resamples, seed, confidence)
    for name, kind in FILES.items():
        columns = [field.name for field in fields(kind)]
        with appearing_whole(folder / f"{name}.csv") as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
            out = csv.writer(stream, lineterminator="\n")
            out.writerow(columns)
            out.writerows([_written(getattr(one, column)) for column in columns] for one in getattr(found, name))
    for sentence in found.warnings:
        log.warning(sentence)
    return found


def _written(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return " ".join(value)
    return f"{value:.6f}" if isinstance(value, float) else value
