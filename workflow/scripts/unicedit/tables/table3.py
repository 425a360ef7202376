"""Table 3: how the data volume changes from stage to stage, measured, beside the paper's figures.

Two definitions of the variation are in use, and the paper's table mixes them, so both are given, from the volume before (b) and after (a):

- ``variation_percent`` = 100 (a / b - 1), the true change. The paper prints it for edit generation and failure filtering.
- ``ratio_percent`` = 100 a / b. The paper prints it, with a plus sign, for instruction generation: +447.26 where the change is +347.26.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

from unicedit.config.tables import TablesSettings
from unicedit.errors import PipelineError
from unicedit.figure import FAINT, INK, bare, figure, save
from unicedit.figure import MEASURED as BLUE
from unicedit.figure import REPORTED as ORANGE
from unicedit.files import write_text
from unicedit.markdown import table
from unicedit.schema import FAILED, REJECTED
from unicedit.tables.funnel import EDITED, FILTERED, FINAL, INITIAL, INSTRUCTED, LIBRARY, RESTATED, STEPS, Funnel, count_funnel
from unicedit.tables.table import MEASURED, REPORTED, Figure, Figures, shown, write_long
from unicedit.vlm.template import render

NAME = "table3"
UNIT = {INSTRUCTED: "instructions", EDITED: "edits", FILTERED: "edits", RESTATED: "edits", FINAL: "rows"}
HEAD = (
    "step",
    "unit",
    "volume, measured",
    "volume, paper",
    "change %, measured",
    "change %, paper",
    "ratio %, measured",
    "ratio %, paper",
    "as the paper printed it",
    "rejected",
    "failed",
    "n of expected",
)
PLAYED = {"library": "source pictures", "instruct": "instruction writer", "edit": "editors", "verify": "verifier"}


def simulated_note(simulated: Sequence[str]) -> tuple[str, str]:
    """The end of a title and a sentence that say what a simulation played; both empty when all was real."""
    if not simulated:
        return "", ""
    title = ", in the simulated world" if "library" in simulated else ", with simulated engines"
    played = ", ".join(PLAYED[one] for one in simulated)
    return title, f"**Simulated** here: {played}. The measured figures speak of the simulation, not of real models."


def measured(funnel: Funnel, confidence: float) -> list[Figure]:
    """The measured figures of every step, in order."""
    found = []
    for name in STEPS:
        step = funnel.steps[name]
        counts = [("data_volume", step.volume), (REJECTED, step.rejected), (FAILED, step.failed)]
        if name == RESTATED:
            counts.append(("restated", funnel.restated))
        found += [Figure(name, metric, number, n=step.n, expected=step.expected) for metric, number in counts]
        if name in (LIBRARY, RESTATED, FINAL):
            continue
        ratio = step.ratio.value
        low, high = step.ratio.interval(confidence) if name == INSTRUCTED else step.ratio.share_interval(confidence)
        for metric, less in (("variation_percent", 1), ("ratio_percent", 0)):
            value, start, end = (None if one is None else 100 * (one - less) for one in (ratio, low, high))
            found.append(Figure(name, metric, value, start, end, step.n, step.expected))
    return found


def reported(paper: Path) -> list[Figure]:
    """The paper's figures: volumes and variations as printed, and both definitions computed from the volumes."""
    found: list[Figure] = []
    before: int | None = None
    with paper.open(encoding="utf-8", newline="") as stream:
        for line in csv.DictReader(stream):
            name, volume = line["stage"], int(line["data_volume"])
            if name not in STEPS:
                raise PipelineError(f"{paper}: unknown stage {name!r}; known are {', '.join(STEPS)}")
            found.append(Figure(name, "data_volume", volume, source=REPORTED))
            if line["printed_variation_percent"]:
                assert before is not None
                found.append(Figure(name, "variation_percent", 100 * (volume / before - 1), source=REPORTED))
                found.append(Figure(name, "ratio_percent", 100 * volume / before, source=REPORTED))
                found.append(Figure(name, "printed_variation_percent", float(line["printed_variation_percent"]), source=REPORTED))
            before = volume
    return found


def page(figures: Sequence[Figure], simulated: Sequence[str], confidence: float) -> str:
    """The table as Markdown: ours beside the paper's."""
    found = Figures(figures)
    rows = []
    for name in STEPS:
        volume = found.get(name, "data_volume")
        assert volume is not None
        rows.append(
            (
                name,
                UNIT.get(name, "pictures"),
                shown(volume),
                shown(found.get(name, "data_volume", REPORTED)),
                shown(found.get(name, "variation_percent"), sign=True),
                shown(found.get(name, "variation_percent", REPORTED), sign=True),
                shown(found.get(name, "ratio_percent")),
                shown(found.get(name, "ratio_percent", REPORTED)),
                shown(found.get(name, "printed_variation_percent", REPORTED), sign=True),
                shown(found.get(name, REJECTED)),
                shown(found.get(name, FAILED)),
                f"{volume.n:,} of {volume.expected:,}",
            )
        )
    restated = found.get(RESTATED, "restated")
    assert restated is not None
    title, note = simulated_note(simulated)
    return (
        render(
            Path(__file__).with_name("table3.jinja"),
            title=title,
            note=note,
            table=table(HEAD, rows, left=2),
            restated=f"{restated.value:,} of {restated.expected:,}",
            level=f"{100 * confidence:g}",
        )
        + "\n"
    )


def plot(figures: Sequence[Figure], simulated: Sequence[str], path: Path) -> None:
    """Draw the volumes, each relative to the initial images, ours beside the paper's."""
    found = Figures(figures)
    drawn = figure(12.5, 6.5)
    axes = drawn.add_subplot()
    highest = 0.0
    for source, colour, shift, label in ((MEASURED, BLUE, -0.2, "measured"), (REPORTED, ORANGE, 0.2, "paper (reported)")):
        base = found.get(INITIAL, "data_volume", source)
        for place, name in enumerate(STEPS):
            volume = found.get(name, "data_volume", source)
            if volume is None or volume.value is None or base is None or not base.value:
                continue
            share = volume.value / base.value
            highest = max(highest, share)
            at = place + (shift if found.get(name, "data_volume", REPORTED) else 0)
            axes.barh(at, share, height=0.36, color=colour, label=label if name == INITIAL else None)
            axes.text(
                share, at, f"  {volume.value:,}{_change(found.get(name, 'variation_percent', source))}", va="center", fontsize=9, color=INK
            )
    axes.axvline(1, color=FAINT, linewidth=1, linestyle=":")
    axes.set_yticks(range(len(STEPS)), STEPS)
    axes.set_ylim(len(STEPS) - 0.5, -0.5)
    axes.set_xlim(0, 1.5 * highest if highest else 1)
    axes.set_xlabel(
        "volume per initial image; beside each bar: volume, change from the step before and its interval", fontsize=9, color=INK
    )
    bare(axes, f"Table 3: data volume from step to step{simulated_note(simulated)[0]}")
    if highest:
        axes.legend(frameon=False, fontsize=9, loc="lower right")
    save(drawn, path)


def _change(change: Figure | None) -> str:
    if change is None:
        return ""
    return f"   {shown(change, 1, sign=True)} %"


def table3(results: Path, shards: Sequence[str], paper: Path, settings: TablesSettings, simulated: Sequence[str]) -> dict[str, int]:
    """Write ``tables/table3.csv``, ``.md`` and ``.png``; ``paper`` is the paper's table as CSV. Returns the number of figures by status."""
    figures = measured(count_funnel(results, shards), settings.confidence) + reported(paper)
    folder = results / "tables"
    write_long(NAME, figures, folder / f"{NAME}.csv")
    write_text(folder / f"{NAME}.md", page(figures, simulated, settings.confidence))
    plot(figures, simulated, folder / f"{NAME}.png")
    return {"ok": len(figures), "rejected": 0, "failed": 0}
