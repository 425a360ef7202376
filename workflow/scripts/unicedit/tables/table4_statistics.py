"""What Table 4's judgements say beside the means: which neighbours differ, how judges vary and agree, what failed."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from unicedit.markdown import plain, table
from unicedit.scoring.agreement import Agreement
from unicedit.scoring.failures import Failure
from unicedit.scoring.neighbours import Neighbours
from unicedit.scoring.repeats import RepeatSpread
from unicedit.scoring.schema import JUDGEMENTS
from unicedit.scoring.statistics import Statistics, statistics
from unicedit.tables.table import Figure, shown
from unicedit.tables.table4_about import row_of, source_of

RESAMPLES, SEED = 2000, 0


def judged_rows(tables: Sequence[Path]) -> pa.Table:
    """The judges' rows without the replies."""
    names = [*JUDGEMENTS.names, "prompt", "snapshot"]
    return pa.concat_tables([pq.read_table(path, columns=names) for path in tables])


def statistics_of(judged: pa.Table, confidence: float) -> Statistics:
    """The statistics of each judge by itself, for one may have had more repeats than another; agreement over all of them."""
    rows = judged.select(JUDGEMENTS.names).cast(JUDGEMENTS)
    judges = list(dict.fromkeys(rows["judge"].to_pylist()))
    each = [statistics(rows.filter(pc.equal(rows["judge"], name)), None, None, RESAMPLES, SEED, confidence) for name in judges]
    agreed = statistics(rows, None, None, RESAMPLES, SEED, confidence).agreement if len(judges) > 1 else []
    return Statistics(
        [one for found in each for one in found.means],
        [one for found in each for one in found.neighbours],
        [one for found in each for one in found.repeats],
        agreed,
        [one for found in each for one in found.failures],
        [one for found in each for one in found.warnings],
    )


def more_figures(found: Statistics) -> list[Figure]:
    """Neighbours, repeats and agreement as figures of the long table."""
    made = []
    for gap in found.neighbours:
        place, source = f"{gap.better} less {gap.worse}, {gap.language}", source_of(gap.judge)
        made.append(Figure(place, "Overall, gap", gap.gap, gap.ci_low, gap.ci_high, gap.n, gap.n, source))
        made.append(Figure(place, "Overall, gap, p (Holm)", gap.p_holm, n=gap.n, expected=gap.n, source=source))
    for one in found.repeats:
        for metric, value in (("sample", one.sample_sd), ("run", one.run_sd)):
            name = f"{one.metric}, sd of a {metric} over {one.repeats} repeats"
            made.append(Figure(row_of(one.model, one.language), name, value, n=one.n, expected=one.expected, source=source_of(one.judge)))
    for alpha in found.agreement:
        place = f"all models, {alpha.language}"
        made.append(
            Figure(place, f"{alpha.metric}, alpha", alpha.alpha, alpha.ci_low, alpha.ci_high, alpha.n, alpha.expected, "all judges")
        )
    return made


def neighbour_line(one: Neighbours, confidence: float) -> str:
    """One comparison as a sentence; its p-value is held against the level of the intervals."""
    gap = shown(Figure("", "", one.gap, one.ci_low, one.ci_high), sign=True)
    verdict = "differ by more than noise" if one.p_holm < 1 - confidence else "cannot be told apart"
    return f"{plain(one.better)} and {plain(one.worse)} ({one.language}, {plain(one.judge)}) {verdict}: {gap}, p {_p(one.p_holm)}, {one.n:,} common samples"


def _p(value: float) -> str:
    return "under 0.001" if value < 0.001 else f"= {value:.3f}"


def repeat_table(found: Sequence[RepeatSpread]) -> str:
    """How much scores vary from run to run; empty without repeats."""
    rows = [
        [
            plain(one.model),
            one.language,
            plain(one.judge),
            one.metric,
            f"{one.sample_sd:.2f}",
            f"{one.run_sd:.3f}",
            f"{one.n:,} of {one.expected:,}",
        ]
        for one in found
    ]
    return (
        table(["model", "language", "judge", "metric", "sd of a sample", "sd of a run's mean", "n of expected"], rows, left=4)
        if rows
        else ""
    )


def agreement_table(found: Sequence[Agreement]) -> str:
    """How far the judges agree; empty with one judge."""
    rows = [
        [one.language, one.metric, shown(Figure("", "", one.alpha, one.ci_low, one.ci_high)), f"{one.n:,} of {one.expected:,}"]
        for one in found
    ]
    return table(["language", "metric", "alpha", "n of expected"], rows, left=2) if rows else ""


def failure_table(found: Sequence[Failure]) -> str:
    """What failed, by kind; empty where nothing did."""
    rows = [[plain(one.model), one.language, plain(one.judge), one.metric, plain(one.kind), f"{one.n:,}"] for one in found]
    return table(["model", "language", "judge", "metric", "failed as", "judgements"], rows, left=5) if rows else ""
