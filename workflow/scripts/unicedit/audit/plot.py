"""The audit as pictures: how rows are spread over sub-tasks, and which sizes there are."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from unicedit.audit.facts import PICTURES
from unicedit.audit.store import Facts
from unicedit.figure import FAINT, INK, MEASURED, bare, figure, save, shown

MOST_LABELS = 60
WIDE = 20  # from this ratio on, rare labels would hardly be seen on a linear scale


def plot_balance(counts: Mapping[str, int], missing: Sequence[str], title: str, path: Path) -> None:
    """Draw rows by sub-task, missing ones with none; on a logarithmic scale where they differ much."""
    named = [*sorted(counts.items(), key=lambda one: -one[1])[:MOST_LABELS], *((name, 0) for name in missing)]
    drawn = figure(11, max(2.5, 0.26 * len(named) + 1.2))
    axes = drawn.add_subplot()
    places = range(len(named))
    axes.barh(places, [number for _, number in named], color=MEASURED, height=0.7)
    wide = max(counts.values()) > WIDE * min(counts.values())
    for place, (_, number) in zip(places, named, strict=True):
        axes.text(max(number, int(wide)), place, f" {number:,}", va="center", fontsize=9, color=INK)
    axes.set_yticks(places, [shown(name) for name, _ in named])
    axes.margins(x=0.12)
    if wide:
        axes.set_xscale("log")
        axes.set_xlim(left=0.8)
    axes.invert_yaxis()
    axes.set_xlabel("rows, on a logarithmic scale" if wide else "rows", fontsize=9, color=INK)
    more = len(counts) - MOST_LABELS
    bare(axes, shown(f"{title}: rows by sub-task" + (f" ({more:,} rarer labels are not drawn)" if more > 0 else ""), 140))
    save(drawn, path)


def plot_sizes(facts: Facts, title: str, path: Path) -> None:
    """Draw where the pictures' widths and heights lie; the area of a mark tells how many have that size."""
    drawn = figure(11, 5.5)
    for place, which in enumerate(PICTURES, 1):
        sizes: Counter[tuple[int, int]] = Counter()
        for _, row in facts.readable(f"{which}_width", f"{which}_height"):
            if row[f"{which}_width"]:
                sizes[row[f"{which}_width"], row[f"{which}_height"]] += 1
        axes = drawn.add_subplot(1, 2, place)
        most = max(sizes.values(), default=1)
        found = sizes.most_common(2000)
        axes.scatter(
            [size[0] for size, _ in found],
            [size[1] for size, _ in found],
            s=[8 + 300 * number / most for _, number in found],
            color=MEASURED if which == "source" else FAINT,
            alpha=0.6,
            linewidths=0,
        )
        axes.set_xlabel("width, pixels", fontsize=9, color=INK)
        axes.set_ylabel("height, pixels", fontsize=9, color=INK)
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        bare(axes, shown(f"{title}: {which}, {len(sizes):,} sizes", 60))
    save(drawn, path)
