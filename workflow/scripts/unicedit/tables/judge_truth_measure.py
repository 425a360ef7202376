"""Judges' scores beside the truth of simulated edits: how alike they rank, how far apart they are, what is missing, and what they cost."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from unicedit.schema import FAILED, OK
from unicedit.scoring.cube import Bools, Floats, Ints, cube_of
from unicedit.scoring.failures import failures
from unicedit.scoring.judge_check import FISHER, mean_over_models
from unicedit.scoring.resample import intervals, known, picture_weights
from unicedit.scoring.schema import JUDGEMENTS
from unicedit.scoring.values import COLUMNS, values_of
from unicedit.tables.interval import Interval

RESAMPLES, SEED = 2000, 0
SPEARMAN, BIAS, APART = "spearman", "bias", "mean_absolute_difference"
STATISTICS = (SPEARMAN, BIAS, APART)
ASKED = ("tokens_in", "tokens_out", "cost")
OF = 1000  # edits that tokens and cost are told of
Spread = tuple[float | None, Interval]


@dataclass(frozen=True, slots=True)
class Beside:
    """One metric (or the overall) of one judge and of the truth.

    ``judge`` and ``truth`` (models, samples), 0 to 10, NaN where missing; ``expected`` (models, samples) whether there should be a score; ``source`` (samples,) numbers
    the ``pictures``.
    """

    judge: Floats
    truth: Floats
    expected: Bools
    source: Ints
    pictures: int

    @property
    def there(self) -> Bools:
        """Where both are."""
        return np.isfinite(self.judge) & np.isfinite(self.truth)


def judgements(tables: Sequence[Path]) -> pa.Table:
    """Rows of judges' tables (or of what they expect of right edits) without the replies; columns that a table lacks are empty."""
    schema = pa.schema([*JUDGEMENTS, ("tokens_in", pa.int64()), ("tokens_out", pa.int64()), ("cost", pa.float64())])
    schema = pa.schema([field.with_nullable(True) for field in schema])
    found = [schema.empty_table()]
    for path in tables:
        columns = set(pq.read_schema(path).names)
        table = pq.read_table(path, columns=[name for name in schema.names if name in columns])
        for field in schema:
            if field.name not in columns:
                table = table.append_column(field.name, pa.nulls(table.num_rows, field.type))
        found.append(table.select(schema.names).cast(schema))
    return pa.concat_tables(found).combine_chunks()


def beside(judged: pa.Table, judge: str, truth: str) -> tuple[list[str], dict[str, Beside]]:
    """The models, and one judge beside the truth by metric, the overall last; metrics that no sample is asked for are left out."""
    rows = judged.select(JUDGEMENTS.names).filter(pc.is_in(judged["judge"], pa.array([judge, truth])))
    cube = cube_of(rows)
    values = values_of(cube)
    one, other = cube.judges.index(judge), cube.judges.index(truth)
    found = {}
    for column, metric in enumerate(COLUMNS):
        expected = np.isfinite(values.low[one, :, :, column])
        if expected.any():
            # rounded, so that equal products have equal roots: a tie
            seen = np.round(values.seen[:, :, :, column], 9)
            found[metric] = Beside(seen[one], seen[other], expected, cube.source, len(cube.sources))
    return cube.models, found


def spread(pair: Beside, confidence: float) -> dict[str, list[Spread]]:
    """Each statistic over all models, then of each model, with its bootstrap interval over source pictures, drawn alike for all.

    Over all models the correlation is Fisher's mean of those within each model (undefined ones left out), the others are means over all edits. Differences are the
    judge's score minus the truth.
    """
    weights = picture_weights(pair.pictures, RESAMPLES, SEED)
    models = []
    for judge, truth, there in zip(pair.judge, pair.truth, pair.there, strict=True):
        of_model = weights[:, pair.source[there]]
        apart = judge[there] - truth[there]
        models.append(
            (spearman(judge[there], truth[there], of_model), of_model @ apart, of_model @ np.abs(apart), of_model.sum(axis=1)),
        )
    correlations, apart, absolute, mass = (np.stack(parts) for parts in zip(*models, strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):  # a draw without any of a model's edits
        drawn = {
            SPEARMAN: [mean_over_models(correlations, FISHER), *correlations],
            BIAS: [apart.sum(axis=0) / mass.sum(axis=0), *(apart / mass)],
            APART: [absolute.sum(axis=0) / mass.sum(axis=0), *(absolute / mass)],
        }
    return {name: [_spread(one, pair.pictures - 1, confidence) for one in found] for name, found in drawn.items()}


def _spread(drawn: Floats, freedom: int, confidence: float) -> Spread:
    if not np.isfinite(drawn[0]):
        return None, (None, None)
    low, high = intervals(drawn[1:, None], freedom, confidence)
    return float(drawn[0]), known(low[0], high[0])


def spearman(one: Floats, other: Floats, weights: Floats) -> Floats:
    """Spearman's rho (draws,) of two lists (n,) whose places count as often as ``weights`` (draws, n) say; NaN where a side does not vary."""
    mass = weights.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        first, second = (
            ranks - (ranks * weights).sum(axis=1, keepdims=True) / mass for ranks in (_ranks(one, weights), _ranks(other, weights))
        )
        both = (first * second * weights).sum(axis=1)
        squares = (first**2 * weights).sum(axis=1) * (second**2 * weights).sum(axis=1)
        return np.asarray(np.where(squares > 1e-9, both / np.sqrt(squares), np.nan))


def _ranks(values: Floats, weights: Floats) -> Floats:
    """Mean ranks (draws, n), as if each value stood there as often as its weight says."""
    if not len(values):
        return np.zeros_like(weights)
    order = np.argsort(values, kind="stable")
    distinct, starts = np.unique(values[order], return_index=True)
    place = np.searchsorted(distinct, values)
    mass = np.add.reduceat(weights[:, order], starts, axis=1)
    ranks: Floats = (np.cumsum(mass, axis=1) - mass + (mass + 1) / 2)[:, place]
    return ranks


def per_thousand(judged: pa.Table, expected: pa.Table, judge: str) -> dict[str, float | None]:
    """Tokens and cost of a thousand edits with all their metrics and repeats: the mean of the replies that counted, for every question asked.

    What was expected of right edits is asked once for all models, and shared among their edits. None where the engine does not tell.
    """
    own, more = (table.filter(pc.equal(table["judge"], judge)) for table in (judged, expected))
    edits = own.group_by(["model", "key", "language"]).aggregate([]).num_rows
    questions = [own.filter(pc.equal(own["metric"], metric)) for metric in pc.unique(own["metric"]).to_pylist()]
    questions += [more] if more.num_rows else []
    found: dict[str, float | None] = {}
    for column in ASKED:
        means = [pc.mean(asked.filter(pc.equal(asked["status"], OK))[column]).as_py() for asked in questions]
        total = sum((mean or 0.0) * asked.num_rows for mean, asked in zip(means, questions, strict=True))
        found[column] = None if None in means else OF * total / edits
    return found


def failed_by_reason(judged: pa.Table, judge: str, metric: str) -> dict[str, int]:
    """Failed judgements of a metric, by the class of their reason."""
    own = judged.filter(pc.and_(pc.equal(judged["judge"], judge), pc.equal(judged["status"], FAILED)))
    found: Counter[str] = Counter()
    for one in failures(own):
        if one.metric == metric:
            found[one.kind] += one.n
    return dict(found)
