"""Losses and metrics of a training: a CSV (step, name, value) and a plot, always; trackers as configured."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState

from unicedit.figure import INK, MEASURED, bare, figure, save, shown
from unicedit.files import write_text

HEAD = ("step", "name", "value")
_LEFT_OUT = ("step", "epoch")  # not measured
_SUMMARY = ("train_", "total_flos")  # times of the last run: they differ from run to run
_FIRST = ("loss", "mean_token_accuracy", "rewards/accuracies", "rewards/margins", "grad_norm", "learning_rate")
Point = tuple[int, str, float]


class Curves(TrainerCallback):  # type: ignore[misc]
    """Writes the CSV at every log. trl keeps the history in its checkpoints, so a resumed training writes the whole of it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_log(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if state.is_world_process_zero:
            write_curves(self.path, points_of(state.log_history))


def points_of(history: Sequence[Mapping[str, Any]]) -> list[Point]:
    """The points of a trainer's log history, in order."""
    return [
        (int(entry["step"]), name, float(value))
        for entry in history
        for name, value in entry.items()
        if name not in _LEFT_OUT and not name.startswith(_SUMMARY) and isinstance(value, int | float)
    ]


def write_curves(path: Path, points: Sequence[Point]) -> None:
    """Write points as CSV; the shortest digits that give the value back."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEAD)
    writer.writerows((step, name, repr(value)) for step, name, value in points)
    write_text(path, out.getvalue())


def read_curves(path: Path) -> list[Point]:
    """What ``write_curves`` wrote."""
    with path.open(encoding="utf-8", newline="") as stream:
        return [(int(row["step"]), row["name"], float(row["value"])) for row in csv.DictReader(stream)]


def plot_curves(path: Path, points: Sequence[Point], title: str) -> None:
    """Draw each metric over the updates, a panel each, losses first."""
    series: dict[str, list[tuple[int, float]]] = {}
    for step, name, value in points:
        series.setdefault(name, []).append((step, value))
    names = [name for name in _FIRST if name in series] + sorted(name for name in series if name not in _FIRST)
    columns = 3
    rows = max(1, -(-len(names) // columns))
    drawn = figure(4.4 * columns, 2.6 * rows)
    drawn.suptitle(shown(title, 140), x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)
    for number, name in enumerate(names):
        axes = drawn.add_subplot(rows, columns, number + 1)
        axes.plot(*zip(*series[name], strict=True), color=MEASURED, linewidth=1.5, marker="." if len(series[name]) < 20 else None)
        axes.set_xlabel("update", fontsize=9, color=INK)
        bare(axes, shown(name))
        axes.grid(axis="y", color="#e3e7eb", linewidth=0.8)
    save(drawn, path)
