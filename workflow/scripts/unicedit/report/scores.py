"""How scores are distributed, by what became of the rows: one histogram a score."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from unicedit.figure import FAINT, INK, STATUS_COLOURS, bare, figure, save
from unicedit.schema import STATUSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = 40


@dataclass(frozen=True, slots=True)
class Score:
    """A column of a stage's table. ``limits``: its range; None where only the rows tell."""

    stage: str
    column: str
    title: str
    limits: tuple[float, float] | None


SCORES = (
    Score("prefilter", "quality", "Technical quality of the sources", (0, 10)),
    Score("prefilter", "aesthetic", "Aesthetics of the sources", (0, 10)),
    Score("prefilter", "unsafe", "Probability that a source is unsafe", (0, 1)),
    Score("verify", "score", "What the verifier's threshold decides on", None),
)


def _values(results: Path, shards: Sequence[str], score: Score) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Status and finite values of a score, a piece at a time; pictures are not read."""
    for shard in shards:
        with pq.ParquetFile(results / score.stage / f"{shard}.parquet") as file:
            for batch in file.iter_batches(batch_size=100_000, columns=[score.column, "status"]):
                values = batch[score.column].cast("float64").to_numpy(zero_copy_only=False)
                status = np.asarray(batch["status"].to_pylist(), dtype=object)
                for one in STATUSES:
                    found = values[(status == one) & np.isfinite(values)]
                    if found.size:
                        yield one, found


def histogram(results: Path, shards: Sequence[str], score: Score) -> tuple[NDArray[np.float64], dict[str, NDArray[np.int64]]]:
    """Edges of the bins, and rows by status in each; memory holds one piece of one shard. No status where no row has the score."""
    limits = score.limits
    if limits is None:
        ends = [(float(found.min()), float(found.max())) for _, found in _values(results, shards, score)]
        low, high = min((one for one, _ in ends), default=0.0), max((one for _, one in ends), default=1.0)
        limits = (low, high) if high > low else (low - 0.5, high + 0.5)
    edges = np.linspace(*limits, BINS + 1)
    counts: dict[str, NDArray[np.int64]] = {}
    for status, found in _values(results, shards, score):
        more = np.histogram(np.clip(found, *limits), edges)[0]
        counts[status] = counts.get(status, np.zeros(BINS, dtype=np.int64)) + more
    return edges, counts


def _draw(axes: "Axes", score: Score, edges: NDArray[np.float64], counts: dict[str, NDArray[np.int64]]) -> None:
    bare(axes, score.title)
    axes.set_xlim(edges[0], edges[-1])
    bottom = np.zeros(BINS)
    for status in STATUSES:
        if status in counts:
            number = counts[status]
            label = f"{status}: {number.sum():,}"
            axes.bar(edges[:-1], number, np.diff(edges), bottom=bottom, align="edge", color=STATUS_COLOURS[status], label=label)
            bottom = bottom + number
    axes.set_ylabel("rows", fontsize=9, color=INK)
    axes.legend(fontsize=9, frameon=False)


def plot_scores(results: Path, shards: Sequence[str], out: Path) -> None:
    """Draw the distribution of every score that the run has, one below the other, and name those it has not."""
    found = [(score, *histogram(results, shards, score)) for score in SCORES]
    there = [one for one in found if one[2]]
    missing = [score.title for score, _, counts in found if not counts]
    drawn = figure(9, 1 + 3 * len(there))
    for place, (score, edges, counts) in enumerate(there):
        _draw(drawn.add_subplot(len(there), 1, place + 1), score, edges, counts)
    if missing:
        drawn.supxlabel("Not scored in this run: " + "; ".join(missing), fontsize=9, color=FAINT)
    save(drawn, out)
