"""The configured judges beside the truth of simulated edits, and what each costs, so that a cheaper one can be chosen knowingly."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from unicedit.config.tables import TablesSettings
from unicedit.figure import FAINT, INK, MEASURED, bare, figure, save
from unicedit.figure import shown as label
from unicedit.files import write_text
from unicedit.markdown import plain, table
from unicedit.scoring.schema import OVERALL
from unicedit.tables.judge_truth_measure import APART, ASKED, BIAS, OF, SPEARMAN, Beside, beside, failed_by_reason, per_thousand, spread
from unicedit.tables.table import Figure, Figures, shown, write_long
from unicedit.vlm.template import render

NAME = "judge_check"
SCORED, FAILED_BY = "scored", "failed: "
ALL = "all"  # the row of tokens and cost
HEAD = ("Spearman", "bias", "mean absolute difference", "compared", "scored")


def source_of(judge: str) -> str:
    """How the long table calls a judge's figures."""
    return f"measured by {judge}"


def row_of(metric: str, model: str = "") -> str:
    """A metric's row: of one model, or over all."""
    return f"{metric}, {model}" if model else metric


def figures_of(judged: pa.Table, expected: pa.Table, truth: str, judges: Sequence[str], confidence: float) -> list[Figure]:
    """Every figure of each judge; one that is not defined has no value."""
    figures = []
    for judge in judges:
        models, pairs = beside(judged, judge, truth)
        source = source_of(judge)
        for metric, pair in pairs.items():
            figures += _of_metric(judge, metric, models, pair, confidence)
            failed = failed_by_reason(judged, judge, metric)
            figures += [Figure(metric, f"{FAILED_BY}{kind}", number, source=source) for kind, number in failed.items()]
        for name, value in per_thousand(judged, expected, judge).items():
            whole = value if name == "cost" or value is None else round(value)
            figures.append(Figure(ALL, f"{name}_per_{OF}", whole, source=source))
    return figures


def _of_metric(judge: str, metric: str, models: Sequence[str], pair: Beside, confidence: float) -> list[Figure]:
    source, owed, both = source_of(judge), pair.expected.sum(axis=1), pair.there.sum(axis=1)
    scored = int(np.isfinite(pair.judge).sum())
    counts = [(int(both.sum()), int(owed.sum())), *((int(n), int(of)) for n, of in zip(both, owed, strict=True))]
    figures = [Figure(metric, SCORED, scored, n=scored, expected=counts[0][1], source=source)]
    for name, found in spread(pair, confidence).items():
        for model, (value, ends), count in zip(("", *models), found, counts, strict=True):
            figures.append(Figure(row_of(metric, model), name, value, *ends, *count, source))
    return figures


def page(figures: Sequence[Figure], truth: str, judges: Sequence[str], confidence: float) -> str:
    """The table as Markdown: all judges by their overall score and cost, then a part for each with every metric."""
    known = Figures(figures)
    costs = [
        [shown(known.get(ALL, f"{name}_per_{OF}", source_of(judge)), 4 if name == "cost" else 0) for name in ASKED] for judge in judges
    ]
    lines = [(plain(judge), *_line(known, OVERALL, judge), *cost) for judge, cost in zip(judges, costs, strict=True)]
    per = f"per {OF:,} edits"
    summary = table(("judge", *HEAD, f"tokens in, {per}", f"tokens out, {per}", f"cost, {per}"), lines)
    parts = []
    for judge in judges:
        rows = list(dict.fromkeys(one.row for one in figures if one.source == source_of(judge) and one.row != ALL))
        by_metric = table(("metric", *HEAD), [(plain(row), *_line(known, row, judge)) for row in rows])
        failed = [one for one in figures if one.source == source_of(judge) and one.metric.startswith(FAILED_BY)]
        reasons = [f"{one.row} {plain(one.metric.removeprefix(FAILED_BY))} {one.value:,}" for one in failed]
        parts.append({"judge": plain(judge), "table": by_metric, "failed": "; ".join(reasons)})
    return (
        render(
            Path(__file__).with_name("judge_truth.jinja"), summary=summary, parts=parts, truth=plain(truth), level=f"{100 * confidence:g}"
        )
        + "\n"
    )


def _line(known: Figures, row: str, judge: str) -> list[str]:
    source = source_of(judge)
    correlation = known.there(row, SPEARMAN, source)
    scored = known.get(row, SCORED, source)
    assert correlation is not None, "each row has a correlation, if only an undefined one"
    return [
        shown(correlation, 3),
        shown(known.get(row, BIAS, source), sign=True),
        shown(known.get(row, APART, source)),
        f"{correlation.n:,} of {correlation.expected:,}",
        f"{scored.n:,} of {scored.expected:,}" if scored else "",
    ]


def plot(figures: Sequence[Figure], judges: Sequence[str], path: Path) -> None:
    """Draw the correlations by metric, a panel a judge, each model's faintly beside the mean."""
    known = Figures(figures)
    metrics = [one.row for one in figures if one.metric == SCORED and one.source == source_of(judges[0])]
    drawn = figure(7.0, 0.6 + (0.9 + 0.4 * len(metrics)) * len(judges))
    drawn.suptitle("Judges against the truth, in the simulated world", x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)
    for number, judge in enumerate(judges):
        axes = drawn.add_subplot(len(judges), 1, number + 1)
        for place, metric in enumerate(metrics):
            mine = [
                one for one in figures if one.source == source_of(judge) and one.metric == SPEARMAN and one.row.startswith(f"{metric}, ")
            ]
            values = [one.value for one in mine if one.value is not None]
            axes.plot(values, [place] * len(values), marker="o", linestyle="", markersize=4, color=FAINT)
            mean = known.get(metric, SPEARMAN, source_of(judge))
            if mean is None or mean.value is None:
                continue
            axes.plot(mean.value, place, marker="o", markersize=7, color=MEASURED)
            if mean.ci_low is not None and mean.ci_high is not None:
                axes.plot([mean.ci_low, mean.ci_high], [place, place], color=MEASURED, linewidth=2)
        axes.set_yticks(range(len(metrics)), metrics)
        axes.set_ylim(len(metrics) - 0.5, -0.5)
        axes.set_xlim(-1.02, 1.02)
        axes.set_xlabel("Spearman's correlation with the truth", fontsize=9, color=INK)
        bare(axes, label(judge))
    save(drawn, path)


def judge_truth(
    results: Path, judged: pa.Table, expected: pa.Table, truth: str, judges: Sequence[str], settings: TablesSettings
) -> dict[str, int]:
    """Write ``judge_check`` as csv, md and png into the tables of ``results``; returns overall scores by status: ok where judge and truth both have one."""
    folder = results / "tables"
    figures = figures_of(judged, expected, truth, judges, settings.confidence)
    write_long(NAME, figures, folder / f"{NAME}.csv")
    write_text(folder / f"{NAME}.md", page(figures, truth, judges, settings.confidence))
    plot(figures, judges, folder / f"{NAME}.png")
    overall = [one for one in figures if one.row == OVERALL and one.metric == SPEARMAN]
    ok, owed = sum(one.n or 0 for one in overall), sum(one.expected or 0 for one in overall)
    return {"ok": ok, "rejected": 0, "failed": owed - ok}
