"""The house's plots: one look, and the same bytes for the same figures."""

from pathlib import Path
from typing import TYPE_CHECKING

from unicedit.files import appearing_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#22313f"
FAINT = "#9aa5b1"
GRID = "#e3e7eb"
MEASURED = "#1f77b4"
REPORTED = "#e08214"
STATUS_COLOURS = {"ok": "#3a9d5d", "rejected": "#e0a030", "failed": "#c0392b"}
TASK_COLOURS = ("#1f77b4", "#8c5fb0", "#2a9d8f", "#e07a3f", "#6b7a8f", "#b23a6b")


def figure(width: float, height: float) -> "Figure":
    """An empty figure of that size in inches, drawn without a display."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def bare(axes: "Axes", title: str) -> None:
    """Give ``axes`` the house's look: a title at the left, no frame, a faint grid along x."""
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=9, length=0)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def shown(text: str, limit: int = 60) -> str:
    """A text from outside as a label: one line, cut, and without the signs that matplotlib takes for mathematics."""
    line = " ".join(text.split())
    line = line if len(line) <= limit else line[: limit - 1] + "…"
    return line.replace("$", r"\$")


def save(drawn: "Figure", path: Path) -> None:
    """Write a figure as PNG at 144 dots an inch, without the name of the program that made it."""
    with appearing_whole(path) as temporary:
        drawn.savefig(temporary, format="png", dpi=144, facecolor="white", metadata={"Software": None})
