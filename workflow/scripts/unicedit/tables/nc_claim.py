"""The paper's claim that VIEScore misses unintended changes outside the target, tested: damage detected by NC and by VIEScore, against the truth."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from unicedit.benchmark.schema import NC
from unicedit.config.tables import TablesSettings
from unicedit.figure import FAINT, INK, MEASURED, REPORTED, bare, figure, save
from unicedit.figure import shown as label_of
from unicedit.files import write_text
from unicedit.markdown import plain, table
from unicedit.scoring.viescore import OVERALL, SC
from unicedit.tables.nc_claim_measure import METRICS, Cases, areas, roc
from unicedit.tables.table import Figure, Figures, shown, write_long
from unicedit.vlm.template import render

NAME = "nc_claim"
AGAINST = {True: "right edits", False: "all other edits"}
LEVELS = tuple(round(0.05 * step, 2) for step in range(21))
GAP = f"{NC} minus {SC}"
Found = Mapping[tuple[str, bool], Cases]  # by judge, and whether against right edits alone


def source_of(judge: str) -> str:
    """How the long table calls a judge's figures."""
    return f"measured by {judge}"


def figures_of(found: Found, confidence: float) -> list[Figure]:
    """Areas and detections at given shares of false alarms; empty figures where there is nothing to tell apart."""
    figures = []
    for (judge, right_only), one in found.items():
        rows = [f"{name}, against {AGAINST[right_only]}" for name in (*METRICS, GAP)]
        n, source = len(one.damaged), source_of(judge)
        figures.append(
            Figure(f"damaged, against {AGAINST[right_only]}", "edits", int(one.damaged.sum()), n=n, expected=one.expected, source=source)
        )
        if not one.decidable:
            figures += [Figure(row, "auc", None, n=n, expected=one.expected, source=source) for row in rows]
            continue
        values, ends = areas(one, confidence)
        figures += [
            Figure(row, "auc", value, *interval, n, one.expected, source) for row, value, interval in zip(rows, values, ends, strict=True)
        ]
        for row, scores in zip(rows, one.scores, strict=False):
            shares = np.interp(LEVELS, *roc(scores, one.damaged))
            figures += [
                Figure(row, f"detected_at_false_alarms_{level:.2f}", float(share), n=n, expected=one.expected, source=source)
                for level, share in zip(LEVELS, shares, strict=True)
            ]
    return figures


def page(figures: Sequence[Figure], found: Found, measured: Sequence[str], confidence: float) -> str:
    """The table as Markdown, a part for each judge; those of ``measured`` compute from the truth."""
    known = Figures(figures)
    parts = []
    for judge in dict.fromkeys(judge for judge, _ in found):
        lines = []
        for against in AGAINST.values():
            damaged = known.there(f"damaged, against {against}", "edits", source_of(judge))
            assert damaged is not None
            areas_of = (
                shown(known.get(f"{name}, against {against}", "auc", source_of(judge)), 3, sign=name == GAP) for name in (*METRICS, GAP)
            )
            lines.append((against, *areas_of, f"{damaged.value:,} of {damaged.n:,}", f"{damaged.n:,} of {damaged.expected:,}"))
        head = ("damaged edits against", NC, f"{SC} (VIEScore)", "Overall (VIEScore)", GAP, "damaged", "n of expected")
        gap = known.get(f"{GAP}, against {AGAINST[True]}", "auc", source_of(judge))
        parts.append({"judge": plain(judge), "measured": judge in measured, "table": table(head, lines), "said": _said(gap)})
    return render(Path(__file__).with_name("nc_claim.jinja"), parts=parts, level=f"{100 * confidence:g}") + "\n"


def _said(gap: Figure | None) -> str:
    if gap is None or gap.value is None:
        return "Nothing can be said: there is no damaged edit, or none that went well."
    if gap.ci_low is None or gap.ci_high is None or gap.ci_low <= 0 <= gap.ci_high:
        return "Between right and damaged edits, NC and VIEScore's SC differ by no more than noise here."
    return f"Damage beside an edit that is otherwise right is detected better by {'NC' if gap.value > 0 else 'SC'}, by more than noise."


def plot(found: Found, path: Path) -> None:
    """Draw the curves, a row of panels a judge."""
    judges = list(dict.fromkeys(judge for judge, _ in found))
    drawn = figure(9.0, 0.6 + 3.9 * len(judges))
    drawn.suptitle(
        "Damage outside the target, detected by NC and by VIEScore", x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK
    )
    for number, ((judge, right_only), one) in enumerate(found.items()):
        axes = drawn.add_subplot(len(judges), 2, number + 1)
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=":")
        for metric, scores, colour in zip(METRICS, one.scores, (MEASURED, REPORTED, INK), strict=True):
            if one.decidable:
                label, dash = (
                    (metric, "-") if metric == NC else (f"VIEScore {metric}", "--" if metric == OVERALL else "-")
                )  # Overall often lies on SC
                axes.plot(*roc(scores, one.damaged), color=colour, linewidth=1.8, linestyle=dash, label=label)
        axes.set_xlabel(f"false alarms, of {AGAINST[right_only]}", fontsize=9, color=INK)
        axes.set_ylabel("damaged edits detected", fontsize=9, color=INK)
        bare(axes, f"{label_of(judge)}: against {AGAINST[right_only]}")
        if one.decidable:
            axes.legend(frameon=False, fontsize=8, loc="lower right")
    save(drawn, path)


def nc_claim(results: Path, found: Found, measured: Sequence[str], settings: TablesSettings) -> dict[str, int]:
    """Write ``nc_claim`` as csv, md and png into the tables of ``results``; returns the edits by status: ok where every metric is there."""
    folder = results / "tables"
    figures = figures_of(found, settings.confidence)
    write_long(NAME, figures, folder / f"{NAME}.csv")
    write_text(folder / f"{NAME}.md", page(figures, found, measured, settings.confidence))
    plot(found, folder / f"{NAME}.png")
    everything = [one for (_, right_only), one in found.items() if not right_only]
    ok, expected = sum(len(one.damaged) for one in everything), sum(one.expected for one in everything)
    return {"ok": ok, "rejected": 0, "failed": expected - ok}
