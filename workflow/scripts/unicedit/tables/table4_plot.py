"""The plot of Table 4."""

from collections.abc import Sequence
from pathlib import Path

from unicedit.figure import INK, MEASURED, bare, figure, save
from unicedit.figure import REPORTED as ORANGE
from unicedit.figure import shown as label
from unicedit.scoring.schema import OVERALL
from unicedit.tables.table import REPORTED, Figure, Figures, shown
from unicedit.tables.table4_about import NOT_RUN, About, row_of, source_of


def plot(figures: Sequence[Figure], said: About, path: Path) -> None:
    """Draw each model's overall score with its interval, and the paper's figure where it has one; a panel for each judge and language."""
    found = Figures(figures)
    papers = list(dict.fromkeys(one.row.rpartition(", ")[0] for one in figures if one.source == REPORTED))
    names: list[tuple[str | None, str | None]] = [(model.name, model.paper) for model in said.models]
    names += [(None, paper) for paper in papers if paper not in {model.paper for model in said.models}]
    drawn = figure(3 + 4.5 * len(said.languages), (1 + 0.3 * len(names)) * len(said.judges) + 0.6)
    drawn.suptitle(
        f"Table 4: overall score of editing models, 0 to 10{said.title}", x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK
    )
    for line, judge in enumerate(said.judges):
        for column, language in enumerate(said.languages):
            axes = drawn.add_subplot(len(said.judges), len(said.languages), line * len(said.languages) + column + 1)
            for place, (model, paper) in enumerate(names):
                one = found.get(row_of(model, language), OVERALL, source_of(judge.name)) if model else None
                printed = found.get(row_of(paper, language), OVERALL, REPORTED) if paper else None
                if printed is not None and printed.value is not None:
                    axes.plot(
                        printed.value, place, marker="D", markersize=6, color=ORANGE, linestyle="", zorder=3, label="paper (reported)"
                    )
                if one is None or one.value is None:
                    axes.text(10.3, place, NOT_RUN, va="center", fontsize=8, color=INK, alpha=0.6)
                    continue
                axes.barh(place, one.value, height=0.6, color=MEASURED, label="measured")
                if one.ci_low is not None and one.ci_high is not None:
                    axes.plot([one.ci_low, one.ci_high], [place, place], color="black", linewidth=1.5, zorder=2)
                axes.text(10.3, place, f"{shown(one, interval=False)}  ({one.n} of {one.expected})", va="center", fontsize=8, color=INK)
            axes.set_yticks(
                range(len(names)), [label(model or paper or "") for model, paper in names] if column == 0 else [""] * len(names)
            )
            axes.set_ylim(len(names) - 0.5, -0.5)
            axes.set_xlim(0, 13.5)
            axes.set_xticks(range(0, 11, 2))
            bare(axes, f"{language}, {label(judge.name)}")
    handles = {text: handle for axes in drawn.axes for handle, text in zip(*axes.get_legend_handles_labels(), strict=True)}
    if handles:
        drawn.legend(list(handles.values()), list(handles), frameon=False, fontsize=9, loc="outside lower right", ncols=2)
    save(drawn, path)
