"""What failed, counted by the class of its reason."""

from collections import Counter
from dataclasses import dataclass

import pyarrow as pa

from unicedit.schema import FAILED


@dataclass(frozen=True, slots=True)
class Failure:
    """``n`` judgements that failed for one kind of reason (what stands before its first colon)."""

    judge: str
    model: str
    language: str
    metric: str
    kind: str
    n: int


def failures(judgements: pa.Table) -> list[Failure]:
    """Failed judgements (``JUDGEMENTS``) by judge, model, language, metric and kind, sorted."""
    columns = ("judge", "model", "language", "metric", "reason", "status")
    rows = zip(*(judgements[name].to_pylist() for name in columns), strict=True)
    counted = Counter(
        (judge, model, language, metric, (reason or "no reason given").split(":", 1)[0])
        for judge, model, language, metric, reason, status in rows
        if status == FAILED
    )
    return [Failure(*place, n) for place, n in sorted(counted.items())]
