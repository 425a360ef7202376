"""Table 4 by sub-task: where a model is strong or weak; as a table and as a heat map."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from unicedit.figure import INK, figure, save
from unicedit.figure import shown as label
from unicedit.files import write_text
from unicedit.markdown import plain, table
from unicedit.scoring.aggregate import BOTH, SUBTASK, TASK, Mean
from unicedit.scoring.schema import OVERALL
from unicedit.tables.table import Figure, shown, write_long
from unicedit.tables.table4_about import About, row_of, source_of
from unicedit.vlm.template import render

NAME = "table4_subtasks"
_SPOKEN = {"en": "English", "cn": "Chinese", BOTH: "both languages"}

Cells = dict[tuple[str, str, str, str], Mean]  # by judge, language, model, group


def write_subtasks(means: Sequence[Mean], said: About, tasks: Mapping[str, Sequence[str]], folder: Path) -> None:
    """Write ``table4_subtasks`` as csv, md and png into ``folder``; ``tasks`` holds the sub-tasks of each task, in order."""
    shown_means = [one for one in means if one.level in (TASK, SUBTASK)]
    figures = [
        Figure(
            f"{row_of(one.model, one.language)}, {one.group}", one.metric, one.left_out, one.ci_low, one.ci_high, one.n, one.expected,
            source_of(one.judge),
        )
        for one in shown_means
    ]  # fmt: skip
    write_long(NAME, figures, folder / f"{NAME}.csv")
    cells = {(one.judge, one.language, one.model, one.group): one for one in shown_means if one.metric == OVERALL}
    write_text(folder / f"{NAME}.md", _page(cells, tasks, said))
    _plot(cells, [name for names in tasks.values() for name in names], said, folder / f"{NAME}.png")


def _page(cells: Cells, tasks: Mapping[str, Sequence[str]], said: About) -> str:
    models = [model.name for model in said.models if model.run]
    parts = []
    for judge in said.judges:
        for language in said.languages:
            rows = []
            for task, subtasks in tasks.items():
                for group in (task, *subtasks):
                    found = [cells.get((judge.name, language, model, group)) for model in models]
                    rows.append([f"**{plain(group)}**" if group == task else plain(group), *(_cell(one) for one in found)])
            parts.append({"name": _SPOKEN[language], "judge": judge.line, "table": table(["sub-task", *map(plain, models)], rows)})
    return render(Path(__file__).with_name("table4_subtasks.jinja"), title=said.title, note=said.note, parts=parts) + "\n"


def _cell(one: Mean | None) -> str:
    if one is None:
        return "–"
    return f"{shown(Figure('', '', one.left_out))} ({one.n} of {one.expected})"


def _plot(cells: Cells, subtasks: Sequence[str], said: About, path: Path) -> None:
    """A heat map: sub-tasks by models, a panel for each judge and language; cells without a scored sample stay white."""
    models = [model.name for model in said.models if model.run]
    drawn = figure(3.2 + (0.9 + 0.75 * len(models)) * len(said.languages), (2.2 + 0.27 * len(subtasks)) * len(said.judges))
    drawn.suptitle(f"Table 4 by sub-task: overall score{said.title}", x=0.01, ha="left", fontsize=11, fontweight="bold", color=INK)
    for line, judge in enumerate(said.judges):
        for column, language in enumerate(said.languages):
            axes = drawn.add_subplot(len(said.judges), len(said.languages), line * len(said.languages) + column + 1)
            found = [[cells.get((judge.name, language, model, group)) for model in models] for group in subtasks]
            values = [[float("nan") if one is None or one.left_out is None else one.left_out for one in row] for row in found]
            image = axes.imshow(values, vmin=0, vmax=10, cmap="viridis", aspect="auto")
            for y, row in enumerate(values):
                for x, value in enumerate(row):
                    if value == value:
                        axes.text(x, y, f"{value:.1f}", ha="center", va="center", fontsize=7, color="white" if value < 6 else "black")
            axes.set_xticks(range(len(models)), [label(model, 24) for model in models], rotation=40, ha="right", fontsize=8, color=INK)
            axes.set_yticks(
                range(len(subtasks)), [label(name) for name in subtasks] if column == 0 else [""] * len(subtasks), fontsize=8, color=INK
            )
            axes.set_title(f"{language}, {label(judge.name)}", loc="left", fontsize=10, fontweight="bold", color=INK)
            axes.tick_params(length=0)
            if column == len(said.languages) - 1:
                drawn.colorbar(image, ax=axes, shrink=0.6)
    save(drawn, path)
