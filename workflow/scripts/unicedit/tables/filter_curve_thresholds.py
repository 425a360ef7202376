"""Thresholds of the failure filter, chosen on evaluations of the validation split."""

import logging
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from unicedit.errors import PipelineError
from unicedit.evaluation.choose import threshold
from unicedit.schema import OK
from unicedit.tables.filter_curve_scores import SSIM

log = logging.getLogger(__name__)


def thresholds(engine: str, ssim: Path | None, verifier: Path | None, blind_weight: float = 0.0) -> dict[str, float]:
    """The evidence below which an edit is dropped, for SSIM and for the run's verifier, as far as there are evaluations, and verdicts in them.

    ``blind_weight`` is the weight of the second reading in the run's verifier; its evaluation is then a joint one. Raises ``PipelineError`` for rows that cannot tell.
    """
    found = {}
    if ssim is not None:
        found[SSIM] = _chosen(ssim, lambda row: None if row["score"] is None else -row["score"])
    if verifier is not None and engine != SSIM:
        found[engine] = _chosen(verifier, lambda row: _margin(row, blind_weight))
    return {name: value for name, value in found.items() if value is not None}


def _margin(row: dict[str, Any], weight: float) -> float | None:
    if not weight:
        return row["score"]  # type: ignore[no-any-return]
    margins = row["margins"]
    return None if not margins or None in margins else margins[0] + weight * margins[1]


def _chosen(path: Path, evidence: Any) -> float | None:
    rows = pq.read_table(path, columns=["status", "score", "margins", "true_changed"]).to_pylist()
    known = [(value, row["true_changed"]) for row in rows if row["status"] == OK and (value := evidence(row)) is not None]
    if rows and not known:
        log.warning(
            "%s: none of %d replies holds a verdict, so no threshold is chosen: the verifier has not learned to answer", path, len(rows)
        )
        return None
    try:
        return threshold([value for value, _ in known], [changed for _, changed in known])
    except ValueError as error:
        raise PipelineError(f"{path}: {error}; make validation samples of all kinds") from error
