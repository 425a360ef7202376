"""Choosing the learning rate of a trained row on the validation split."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from unicedit.errors import PipelineError
from unicedit.evaluation.variants import best_factor
from unicedit.files import write_json
from unicedit.schema import OK
from unicedit.training.schema import HALLUCINATION, NO_EDIT, NORMAL


def points_of(evaluation: Path) -> float:
    """The mean over the paper's three kinds of the mean points of an evaluation. Raises ``PipelineError`` where a kind was not scored."""
    table = pq.read_table(evaluation, columns=["kind", "points", "status"]).to_pylist()
    means = []
    for kind in (NORMAL, NO_EDIT, HALLUCINATION):
        points = [row["points"] for row in table if row["kind"] == kind and row["status"] == OK]
        if not points:
            raise PipelineError(f"{evaluation}: no {kind} sample was scored, so nothing can be chosen on it; make more validation samples")
        means.append(float(np.mean(points)))
    return float(np.mean(means))


def tune(evaluations: Sequence[Path], factors: Sequence[float], out: Path) -> None:
    """Write the factor of the learning rate that did best on validation, and what each tried factor reached, as JSON."""
    points = [points_of(evaluation) for evaluation in evaluations]
    tried = [{"factor": factor, "points": round(value, 6)} for factor, value in zip(factors, points, strict=True)]
    write_json(out, {"factor": best_factor(points, factors), "tried": tried})


def joined(tables: Sequence[Path], out: Path) -> int:
    """Write the rows of several tables of samples as one, in order; returns their number."""
    import pyarrow as pa

    from unicedit.files import appearing_whole
    from unicedit.parquet import writer

    schema = pq.read_schema(tables[0])
    number = 0
    with appearing_whole(out) as temporary, writer(temporary, schema) as opened:
        for path in tables:
            with pq.ParquetFile(path) as file:
                for group in range(file.metadata.num_row_groups):
                    rows: pa.Table = file.read_row_group(group)
                    opened.write_table(rows.combine_chunks(), row_group_size=max(rows.num_rows, 1))
                    number += rows.num_rows
    return number
