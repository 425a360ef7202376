"""The plot of Table 5."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from unicedit.evaluation.rows import ROWS
from unicedit.figure import FAINT, INK, MEASURED, REPORTED, bare, figure, save
from unicedit.tables.table import REPORTED as PAPER
from unicedit.tables.table import Figure, Figures, shown
from unicedit.tables.table5_findings import KINDS
from unicedit.tables.table5_measured import Measured


def plot(figures: Sequence[Figure], measured: Mapping[str, Measured | None], title: str, path: Path) -> None:
    """Draw each row's accuracy by kind with its interval, and the paper's figure where it has one."""
    found = Figures(figures)
    kinds = [kind for kind in KINDS if any(one.metric == f"{kind}_acc" for one in figures)]
    rows = list(measured)
    drawn = figure(3.2 + 3.3 * len(kinds), 1.5 + 0.36 * len(rows))
    drawn.suptitle(f"Table 5: accuracy of verifiers, 0 to 10{title}", x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)
    for number, kind in enumerate(kinds):
        axes = drawn.add_subplot(1, len(kinds), number + 1)
        for place, row in enumerate(rows):
            label = ROWS[row].label
            one, paper = found.get(label, f"{kind}_acc"), found.get(label, f"{kind}_acc", PAPER)
            if paper is not None and paper.value is not None:
                axes.plot(paper.value, place, marker="D", markersize=6, color=REPORTED, linestyle="", zorder=3, label="paper (reported)")
            if one is None or one.value is None:
                axes.text(0.15, place, "not run", va="center", fontsize=9, color=INK, alpha=0.6)
                continue
            axes.barh(
                place,
                one.value,
                height=0.55,
                color=FAINT if "control" in label else MEASURED,
                label="measured, control" if "control" in label else "measured",
            )
            if one.ci_low is not None and one.ci_high is not None:
                axes.plot([one.ci_low, one.ci_high], [place, place], color="black", linewidth=1.5, zorder=2)
            axes.text(10.3, place, shown(one, interval=False), va="center", fontsize=9, color=INK)
        axes.set_yticks(range(len(rows)), [ROWS[row].label for row in rows] if number == 0 else [""] * len(rows))
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(0, 11.8)
        axes.set_xticks(range(0, 11, 2))
        bare(axes, KINDS[kind])
    handles = {label: handle for axes in drawn.axes for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    if handles:
        drawn.legend(list(handles.values()), list(handles), frameon=False, fontsize=9, loc="outside lower right", ncols=3)
    save(drawn, path)
