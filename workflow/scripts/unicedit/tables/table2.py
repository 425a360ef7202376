"""Table 2: the quality of editing datasets by VIEScore, measured, beside the paper's figures."""

import csv
from collections.abc import Sequence
from pathlib import Path

from unicedit.errors import PipelineError
from unicedit.figure import INK, MEASURED, bare, figure, save
from unicedit.figure import REPORTED as ORANGE
from unicedit.figure import shown as label_of
from unicedit.files import write_text
from unicedit.markdown import plain, table
from unicedit.scoring.viescore import METRICS, OVERALL
from unicedit.tables.table import REPORTED, Figure, Figures, shown, write_long
from unicedit.tables.table2_measured import AESTHETIC, Quality, Sampled, aesthetics, qualities, sampled
from unicedit.vlm.template import render

NAME = "table2"
_PRINTED = {
    **{metric: f"viescore_{metric.lower()}" for metric in METRICS},
    **AESTHETIC,
}


def source_of(judge: str) -> str:
    """How the long table calls a judge's figures."""
    return f"measured by {judge}"


def figures_of(found: Sequence[Quality]) -> list[Figure]:
    """Means with their coverage; of the overall also its bounds, and its spread between runs."""
    figures = []
    for one in found:
        source = source_of(one.judge)
        figures.append(Figure(one.dataset, one.metric, one.mean, *one.interval, one.n, one.expected, source))
        if one.metric == OVERALL:
            for end, value in (("missing as 0", one.zero), ("missing as 10", one.ten), ("sd between runs", one.run_sd)):
                figures.append(Figure(one.dataset, f"{OVERALL}, {end}", value, n=one.n, expected=one.expected, source=source))
    return figures


def reported(paper: Path) -> list[Figure]:
    """The paper's figures. Raises ``PipelineError`` for a file without one of its columns, or a field that is no number."""
    found = []
    with paper.open(encoding="utf-8", newline="") as stream:
        for line in csv.DictReader(stream):
            for metric, column in _PRINTED.items():
                try:
                    found.append(Figure(line["dataset"], metric, float(line[column]), source=REPORTED))
                except (KeyError, ValueError) as error:
                    raise PipelineError(
                        f"{paper}: {line.get('dataset')}: column {column} holds no number; the shipped table is in config/paper"
                    ) from error
    return found


def page(figures: Sequence[Figure], measured: Sequence[Sampled], confidence: float) -> str:
    """The table as Markdown, a part for each judge."""
    found = Figures(figures)
    names = list(dict.fromkeys(one.row for one in figures if one.source == REPORTED))
    parts = []
    for judge in dict.fromkeys(one.judge for one in measured):
        own = [one for one in measured if one.judge == judge]
        datasets = [*names, *(one.dataset for one in own if one.dataset not in names)]
        head = [
            "dataset",
            *METRICS,
            "missing as 0",
            "as 10",
            "between runs",
            "n of expected",
            *AESTHETIC,
            *(f"{metric}, paper" for metric in _PRINTED),
        ]
        lines = [_line(found, dataset, source_of(judge)) for dataset in datasets]
        parts.append({"judge": plain(judge), "table": table(head, lines), "about": " ".join(_about(one) for one in own)})
    template = Path(__file__).with_name("table2.jinja")
    return render(template, parts=parts, level=f"{100 * confidence:g}") + "\n"


def _line(found: Figures, dataset: str, source: str) -> list[str]:
    overall = found.there(dataset, OVERALL, source)
    cells = [shown(found.get(dataset, metric, source)) for metric in METRICS]
    cells += [shown(found.get(dataset, f"{OVERALL}, {end}", source)) for end in ("missing as 0", "missing as 10", "sd between runs")]
    cells.append(f"{overall.n:,} of {overall.expected:,}" if overall else "not run")
    cells += [shown(found.get(dataset, metric)) for metric in AESTHETIC]
    return [plain(dataset), *cells, *(shown(found.get(dataset, metric, REPORTED)) for metric in _PRINTED)]


def _about(one: Sampled) -> str:
    prompts = ", ".join(f"{metric} {digest}" for metric, digest in sorted(one.prompts.items()))
    failed = ", ".join(f"{n} {plain(kind)}" for kind, n in sorted(one.failed.items())) or "none"
    answered = ", ".join(plain(name) for name in one.snapshots) or "nobody"
    return f"{plain(one.dataset)}: {one.scores.shape[2]} runs, answered by {answered}, prompts {prompts}; failed judgements: {failed}."


def plot(figures: Sequence[Figure], judges: Sequence[str], path: Path) -> None:
    """Draw each dataset's overall with its interval, a panel a judge, and the paper's figure."""
    found = Figures(figures)
    rows = list(dict.fromkeys(one.row for one in figures))
    drawn = figure(3.0 + 3.6 * len(judges), 1.4 + 0.36 * len(rows))
    drawn.suptitle("Table 2: VIEScore Overall of editing datasets, 0 to 10", x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)
    for number, judge in enumerate(judges):
        axes = drawn.add_subplot(1, len(judges), number + 1)
        for place, row in enumerate(rows):
            one, paper = found.get(row, OVERALL, source_of(judge)), found.get(row, OVERALL, REPORTED)
            if one is not None and one.value is not None:
                axes.barh(place, one.value, height=0.55, color=MEASURED, label="measured")
                if one.ci_low is not None and one.ci_high is not None:
                    axes.plot([one.ci_low, one.ci_high], [place, place], color="black", linewidth=1.5, zorder=2)
            if paper is not None and paper.value is not None:
                axes.plot(paper.value, place, marker="D", markersize=6, color=ORANGE, linestyle="", zorder=3, label="paper (reported)")
        axes.set_yticks(range(len(rows)), [label_of(row) for row in rows] if number == 0 else [""] * len(rows))
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(0, 10)
        bare(axes, label_of(judge))
    handles = {label: handle for axes in drawn.axes for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    drawn.legend(list(handles.values()), list(handles), frameon=False, fontsize=9, loc="outside lower right", ncols=2)
    save(drawn, path)


def table2(folder: Path, tables: Sequence[Path], beauty: Sequence[Path], paper: Path, confidence: float) -> dict[str, int]:
    """Write ``table2`` as csv, md and png into ``folder``; returns the triplets by status: ok where an overall score is there.

    Each of ``tables`` is one judge's scores of one dataset's sample, each of ``beauty`` its aesthetic scores.
    """
    measured = [sampled(path) for path in tables]
    named = [(one.dataset, one.judge) for one in measured]
    if len(set(named)) != len(named):
        raise PipelineError("two tables hold scores of the same dataset by the same judge: give the judges different names")
    found = qualities(measured, confidence)
    figures = figures_of(found) + reported(paper)
    for path in beauty:
        figures += aesthetics(path, confidence)
    write_long(NAME, figures, folder / f"{NAME}.csv")
    write_text(folder / f"{NAME}.md", page(figures, measured, confidence))
    plot(figures, list(dict.fromkeys(one.judge for one in measured)), folder / f"{NAME}.png")
    overall = [one for one in found if one.metric == OVERALL]
    scored, expected = sum(one.n for one in overall), sum(one.expected for one in overall)
    return {"ok": scored, "rejected": 0, "failed": expected - scored}
