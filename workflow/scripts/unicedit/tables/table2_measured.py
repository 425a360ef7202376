"""What judges' VIEScores of a dataset's sample say: means over triplets and runs, with their coverage and spread."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unicedit.errors import PipelineError
from unicedit.lookup import rows
from unicedit.schema import OK
from unicedit.scoring.resample import intervals, known
from unicedit.scoring.schema import HIGHEST
from unicedit.scoring.viescore import METRICS, SUBSCORES, viescore
from unicedit.tables.interval import Interval
from unicedit.tables.table import Figure

Floats = NDArray[np.float64]
AESTHETIC = {"aesthetic source": "aesthetic_source", "aesthetic edited": "aesthetic_edited"}
RESAMPLES, SEED = 2000, 0
_READ = ("dataset", "judge", "position", "metric", "repeat", "scores", "prompt", "snapshot", "status", "reason")


@dataclass(frozen=True, slots=True)
class Quality:
    """One metric of one dataset by one judge, 0 to 10: the mean of the ``n`` triplets that were scored (None where none was) of ``expected``.

    A triplet's score is the mean of its runs. ``zero`` and ``ten``: the mean over all triplets and runs with missing scores as 0 and as 10, between which the true
    one lies. ``run_sd``: the standard deviation of the runs' means over triplets that all runs scored; None with one run.
    """

    dataset: str
    judge: str
    metric: str
    mean: float | None
    interval: Interval
    zero: float
    ten: float
    n: int
    expected: int
    run_sd: float | None


@dataclass(frozen=True, slots=True)
class Sampled:
    """The scores of one dataset by one judge: (metrics, triplets, runs), NaN where missing; digests of the prompts and the models that answered."""

    dataset: str
    judge: str
    scores: Floats
    failed: dict[str, int]
    prompts: dict[str, str]
    snapshots: tuple[str, ...]


def sampled(path: Path) -> Sampled:
    """Read one table of VIEScores. Raises ``PipelineError`` for one that has no row, or rows of several datasets or judges."""
    read = list(rows(path, _READ))
    names = {(row["dataset"], row["judge"]) for row in read}
    if len(names) != 1:
        raise PipelineError(f"{path}: it holds scores of {len(names)} datasets and judges, and one is expected: give each its own table")
    positions = {position: number for number, position in enumerate(sorted({row["position"] for row in read}))}
    runs = 1 + max(row["repeat"] for row in read)
    lists = {(row["position"], row["repeat"], row["metric"]): row["scores"] for row in read if row["status"] == OK}
    scores = np.full((len(METRICS), len(positions), runs), np.nan)
    for position, number in positions.items():
        for run in range(runs):
            one = viescore(*(lists.get((position, run, metric), ()) for metric in SUBSCORES))
            values = [one.get(metric) for metric in METRICS]
            scores[:, number, run] = [np.nan if value is None else value for value in values]
    failed: dict[str, int] = {}
    for row in read:
        if row["status"] != OK:
            kind = str(row["reason"]).split(":", 1)[0]
            failed[kind] = failed.get(kind, 0) + 1
    ((dataset, judge),) = names
    snapshots = sorted({row["snapshot"] for row in read if row["snapshot"]})
    return Sampled(dataset, judge, scores, failed, {row["metric"]: row["prompt"] for row in read}, tuple(snapshots))


def aesthetics(path: Path, confidence: float) -> list[Figure]:
    """The mean aesthetic scores of a sample's sources and edits, from one table of ``triplet_aesthetic``. Raises ``PipelineError`` for one of several datasets."""
    read = list(rows(path, ["dataset", "aesthetic_source", "aesthetic_edited", "status"]))
    names = {row["dataset"] for row in read}
    if len(names) != 1:
        raise PipelineError(f"{path}: it holds scores of {len(names)} datasets, and one is expected: give each its own table")
    found = []
    for metric, column in AESTHETIC.items():
        values = np.array([row[column] for row in read if row["status"] == OK], dtype=np.float64)
        mean = float(values.mean()) if len(values) else None
        found.append(Figure(names.copy().pop(), metric, mean, *_interval(values, confidence), len(values), len(read)))
    return found


def qualities(found: Sequence[Sampled], confidence: float) -> list[Quality]:
    """Every metric of every dataset and judge."""
    return [_quality(one, number, confidence) for one in found for number in range(len(METRICS))]


def _quality(one: Sampled, number: int, confidence: float) -> Quality:
    runs = one.scores[number]
    there = np.isfinite(runs)
    scored = there.any(axis=1)
    values = np.where(there, runs, 0.0).sum(axis=1)[scored] / there.sum(axis=1)[scored]
    whole = runs[there.all(axis=1)]
    run_sd = float(whole.mean(axis=0).std(ddof=1)) if runs.shape[1] > 1 and len(whole) else None
    zero, ten = (float(np.where(there, runs, missing).mean()) for missing in (0.0, HIGHEST))
    mean = float(values.mean()) if len(values) else None
    names = (one.dataset, one.judge, METRICS[number])
    return Quality(*names, mean, _interval(values, confidence), zero, ten, len(values), len(runs), run_sd)


def _interval(values: Floats, confidence: float) -> Interval:
    """The bootstrap interval of a mean over triplets, which are drawn alone; n - 1 of n, each with weight n / (n - 1), as in ``scoring.resample``."""
    n = len(values)
    if n < 2:
        return None, None
    drawn = np.random.Generator(np.random.PCG64(SEED)).multinomial(n - 1, np.full(n, 1 / n), size=RESAMPLES)
    low, high = intervals((drawn @ values / (n - 1))[:, None], n - 1, confidence)
    return known(low[0], high[0])
