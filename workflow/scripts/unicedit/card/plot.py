"""The census as a picture: is the dataset balanced, and where do rows end?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from unicedit.card.census import STAGES, Census
from unicedit.figure import FAINT, INK, STATUS_COLOURS, TASK_COLOURS, bare, figure, save, shown
from unicedit.schema import OK, STATUSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

UNIT = {"ingest": "pictures", "prefilter": "pictures", "instruct": "instructions", "edit": "edits", "verify": "edits", "dataset": "rows"}
MOST_REASONS = 14


def plot_census(census: Census, tasks: Mapping[str, Sequence[str]], targets: Mapping[str, float], title: str, path: Path) -> None:
    """Draw accepted rows by sub-task beside their target share, the outcome of each stage, and the reasons.

    ``tasks`` gives each task's sub-tasks, ``targets`` the share (0 to 1) that each sub-task should have.
    """
    drawn = figure(15, 9)
    drawn.suptitle(shown(title, 140), x=0.01, ha="left", fontsize=13, fontweight="bold", color=INK)
    grid = drawn.add_gridspec(2, 2, width_ratios=[1.15, 1], height_ratios=[1, 1.7])
    _balance(drawn.add_subplot(grid[:, 0]), census, tasks, targets)
    _outcomes(drawn.add_subplot(grid[0, 1]), census)
    _reasons(drawn.add_subplot(grid[1, 1]), census)
    save(drawn, path)


def _balance(axes: "Axes", census: Census, tasks: Mapping[str, Sequence[str]], targets: Mapping[str, float]) -> None:
    counted = census.of("dataset", "subtask")
    total = sum(counted.values())
    colour_of = {name: TASK_COLOURS[number % len(TASK_COLOURS)] for number, names in enumerate(tasks.values()) for name in names}
    names = [*colour_of, *(name for name in counted if name not in colour_of)]
    shares = [100 * counted.get(name, 0) / total if total else 0.0 for name in names]
    places = range(len(names))
    axes.barh(places, shares, color=[colour_of.get(name, FAINT) for name in names], height=0.7)
    for place, name, share in zip(places, names, shares, strict=True):
        target = 100 * targets.get(name, 0.0)
        axes.plot([target, target], [place - 0.42, place + 0.42], color=INK, linewidth=2)
        axes.text(max(share, target) + 0.1, place, f" {counted.get(name, 0):,}", va="center", fontsize=9, color=INK)
    axes.set_yticks(places, [shown(name) for name in names])
    axes.set_xlabel("share of the accepted rows, percent (number: rows; dark mark: target share)", fontsize=9, color=INK)
    bare(axes, f"Accepted rows by sub-task: {total:,} rows")
    from matplotlib.patches import Patch

    handles = [Patch(color=colour_of[names[0]], label=shown(task)) for task, names in tasks.items() if names]
    axes.legend(handles=handles, fontsize=9, frameon=False, ncols=4, loc="upper left", bbox_to_anchor=(0, -0.06))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.margins(x=0.12)


def _outcomes(axes: "Axes", census: Census) -> None:
    stages = STAGES[:-1]
    for place, stage in enumerate(stages):
        total = census.total(stage)
        start = 0.0
        for status in STATUSES:
            number = census.total(stage, status)
            share = 100 * number / total if total else 0.0
            axes.barh(place, share, left=start, color=STATUS_COLOURS[status], height=0.7, label=status if place == 0 else None)
            start += share
        passed = census.total(stage, OK)
        axes.text(101, place, f"{passed:,} of {total:,} {UNIT[stage]}", va="center", fontsize=9, color=INK)
    axes.set_yticks(range(len(stages)), stages)
    axes.invert_yaxis()
    axes.set_xlim(0, 145)
    axes.set_xticks(range(0, 101, 25))
    bare(axes, "What became of the rows each stage was given (percent)")
    axes.legend(fontsize=9, frameon=False, ncols=3, loc="upper left", bbox_to_anchor=(0, -0.1))


def _reasons(axes: "Axes", census: Census) -> None:
    found = census.reasons()
    kept = sorted(found, key=lambda one: -one[3])[:MOST_REASONS]
    rows = [one for one in found if one in kept]
    places = range(len(rows))
    axes.barh(places, [n for *_, n in rows], color=[STATUS_COLOURS[status] for _, status, _, _ in rows], height=0.7)
    for place, (*_, number) in zip(places, rows, strict=True):
        axes.text(number, place, f" {number:,}", va="center", fontsize=9, color=INK)
    axes.set_yticks(places, [f"{stage}: {shown(reason or 'no reason given', 40)}" for stage, _, reason, _ in rows])
    axes.invert_yaxis()
    rest = sum(one[3] for one in found) - sum(one[3] for one in rows)
    bare(axes, "Why rows did not pass" + (f" (and {rest:,} more for rarer reasons)" if rest else ""))
    axes.set_xlabel("rows (amber: rejected, red: failed)", fontsize=9, color=INK)
    if not rows:
        axes.set_xticks([])
        axes.text(0.5, 0.5, "every row passed", ha="center", va="center", transform=axes.transAxes, color=INK)
    axes.margins(x=0.12)
