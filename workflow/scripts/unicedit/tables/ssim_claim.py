"""The paper's claim that SSIM is unfit to verify edits, tested: its errors under flicker and by the size of the edit, beside the verifier's."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from unicedit.config.tables import TablesSettings
from unicedit.figure import FAINT, INK, MEASURED, REPORTED, bare, figure, save
from unicedit.files import write_text
from unicedit.markdown import plain, table
from unicedit.tables.interval import wilson
from unicedit.tables.ssim_claim_measure import EDGES, MORE_THAN, Seen, interval_of
from unicedit.tables.table import Figure, Figures, shown, write_long
from unicedit.vlm.template import render

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = "ssim_claim"
METRICS = ("ssim_mean", "ssim_low", "ssim_high", "ssim_error", "verifier_error")


def flicker_row(strength: float) -> str:
    """The row of a strength of flicker."""
    return f"flicker {strength:g}"


def size_row(place: int) -> str:
    """The row of an interval of edit sizes, in percent of the pixels."""
    return f"edit of {100 * EDGES[place]:g} to {100 * EDGES[place + 1]:g}%"


def figures_of(flicker: Sequence[Seen], sizes: Sequence[Seen], threshold: float, confidence: float) -> list[Figure]:
    """All figures; an interval of sizes without edits has none."""
    found = [Figure("SSIM", "threshold", threshold)]
    for strength in dict.fromkeys(one.at for one in flicker):
        found += _row(flicker_row(strength), [one for one in flicker if one.at == strength], confidence)
    for place in range(len(EDGES) - 1):
        found += _row(size_row(place), [one for one in sizes if interval_of(one.at) == place], confidence)
    return found


def _row(row: str, seen: Sequence[Seen], confidence: float) -> list[Figure]:
    if not seen:
        return []
    alike = np.array([one.similarity for one in seen])
    low, high = np.quantile(alike, [0.05, 0.95])
    n = len(seen)
    found = [Figure(row, metric, float(value), n=n, expected=n) for metric, value in zip(METRICS, (alike.mean(), low, high), strict=False)]
    errors = {
        "ssim_error": [one.ssim_errs for one in seen],
        "verifier_error": [one.verifier_errs for one in seen if one.verifier_errs is not None],
    }
    for metric, erring in errors.items():
        share = sum(erring) / len(erring) if erring else None
        found.append(Figure(row, metric, share, *wilson(sum(erring), len(erring), confidence), len(erring), n))
    return found


def conclusion(flicker: Sequence[Seen], sizes: Sequence[Seen]) -> str:
    """What the figures say of the claim, in a sentence for each half."""
    said = []
    strong = [one for one in flicker if one.at >= 2]
    if strong:
        said.append(
            f"**Flicker**: of {len(strong):,} unedited pictures with flicker of 2 grey levels or more, SSIM takes {_share(strong, 'ssim_errs')} for edited"
            f"{_beside(strong)}."
        )
    small = [one for one in sizes if one.at <= EDGES[2]]
    if small:
        said.append(
            f"**Small edits**: of {len(small):,} that change at most {100 * EDGES[2]:g}% of the pixels, SSIM overlooks {_share(small, 'ssim_errs')}{_beside(small)}."
        )
    return " ".join(said) if said else "Neither flicker nor small edits could be measured."


def _share(seen: Sequence[Seen], name: str) -> str:
    erring = [value for one in seen if (value := getattr(one, name)) is not None]
    return f"{100 * sum(erring) / len(erring):.0f}%"


def _beside(seen: Sequence[Seen]) -> str:
    return f", the verifier {_share(seen, 'verifier_errs')}" if any(one.verifier_errs is not None for one in seen) else ""


def page(found: Sequence[Figure], said: str, title: str, verifier: str, threshold: float, confidence: float) -> str:
    """Both tables as Markdown."""
    known = Figures(found)

    def rows(begin: str) -> list[tuple[str, ...]]:
        names = dict.fromkeys(one.row for one in found if one.row.startswith(begin))
        return [
            (row, shown(known.get(row, "ssim_mean"), 4), *(shown(known.get(row, metric), 3) for metric in METRICS[3:]), _n(known, row))
            for row in names
        ]

    head = ("", "mean SSIM", "SSIM errs", "verifier errs", "pairs")
    return (
        render(
            Path(__file__).with_name("ssim_claim.jinja"),
            title=title,
            threshold=f"{threshold:.4f}",
            verifier=f" `{plain(verifier)}`" if verifier else ": not run",
            flicker=table(head, rows("flicker")),
            sizes=table(head, rows("edit of")),
            said=said,
            more_than=f"{MORE_THAN:g}",
            level=f"{100 * confidence:g}",
        )
        + "\n"
    )


def _n(known: Figures, row: str) -> str:
    one = known.get(row, "ssim_mean")
    return f"{one.n:,}" if one else "–"


def plot(found: Sequence[Figure], threshold: float, title: str, path: Path) -> None:
    """Draw similarity and errors, over flicker and over edit size."""
    known = Figures(found)
    drawn = figure(11.5, 7.2)
    drawn.suptitle(f"SSIM under flicker and small edits{title}", x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)
    halves = (
        ("flicker", "flicker without an edit, grey levels", "claims a change where none is"),
        ("edit of", "pixels that the edit changed", "overlooks an edit"),
    )
    for column, (begin, label, error) in enumerate(halves):
        rows = list(dict.fromkeys(one.row for one in found if one.row.startswith(begin)))
        ticks = [row.removeprefix(begin).strip().replace(" to ", "–") for row in rows]
        places = list(range(len(rows)))
        axes = drawn.add_subplot(2, 2, 1 + column)
        mean, low, high = ([_value(known, row, metric) for row in rows] for metric in METRICS[:3])
        if rows:
            axes.fill_between(places, low, high, color=REPORTED, alpha=0.2, linewidth=0, label="SSIM, 5% to 95% of the pairs")
            axes.plot(places, mean, color=REPORTED, marker="o", linewidth=1.8, label="SSIM, mean")
        axes.axhline(threshold, color=INK, linewidth=1, linestyle="--", label="threshold: below it, changed")
        _finish(axes, "Similarity of source and edit", places, ticks, label)
        axes.legend(frameon=False, fontsize=8, loc="lower left")
        axes = drawn.add_subplot(2, 2, 3 + column)
        for metric, colour, name in (("ssim_error", REPORTED, "SSIM"), ("verifier_error", MEASURED, "verifier")):
            there = [(place, one) for place, row in zip(places, rows, strict=True) if (one := known.get(row, metric))]
            if not there:
                continue
            axes.plot(
                [place for place, _ in there],
                [_value(known, one.row, metric) for _, one in there],
                color=colour,
                marker="o",
                linewidth=1.8,
                label=name,
            )
            for place, one in there:
                assert one.ci_low is not None and one.ci_high is not None
                axes.plot([place, place], [one.ci_low, one.ci_high], color=colour, linewidth=1.2, alpha=0.7)
        axes.set_ylim(-0.03, 1.03)
        _finish(axes, f"Share of pairs in which it {error}", places, ticks, label)
        if axes.lines:
            axes.legend(frameon=False, fontsize=8, loc="upper left" if begin == "flicker" else "upper right")
    save(drawn, path)


def _value(known: Figures, row: str, metric: str) -> float:
    one = known.get(row, metric)
    assert one is not None and one.value is not None
    return float(one.value)


def _finish(axes: "Axes", title: str, places: Sequence[int], ticks: Sequence[str], label: str) -> None:
    bare(axes, title)
    axes.grid(axis="y", color=FAINT, linewidth=0.5, alpha=0.5)
    axes.set_xticks(list(places), list(ticks))
    axes.set_xlabel(label, fontsize=9, color=INK)


def ssim_claim(
    results: Path,
    flicker: Sequence[Seen],
    sizes: Sequence[Seen],
    threshold: float,
    settings: TablesSettings,
    simulated: bool,
    verifier: str,
) -> dict[str, int]:
    """Write ``tables/ssim_claim.csv``, ``.md`` and ``.png`` from what was seen. Returns the number of figures by status."""
    found = figures_of(flicker, sizes, threshold, settings.confidence)
    title = ", in the simulated world" if simulated else ""
    folder = results / "tables"
    write_long(NAME, found, folder / f"{NAME}.csv")
    write_text(folder / f"{NAME}.md", page(found, conclusion(flicker, sizes), title, verifier, threshold, settings.confidence))
    plot(found, threshold, title, folder / f"{NAME}.png")
    return {"ok": len(found), "rejected": 0, "failed": 0}
