"""Table 5 by slot of the restated instruction, by language, and on compositions that training left out."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from unicedit.evaluation.meaning import SLOTS
from unicedit.evaluation.rows import ROWS
from unicedit.evaluation.schema import POINTS
from unicedit.markdown import table
from unicedit.tables.table import Figure, Figures, shown
from unicedit.tables.table5_findings import KINDS
from unicedit.tables.table5_measured import Measured
from unicedit.tables.table5_statistics import interval
from unicedit.vlm.template import render
from unicedit.world.words import EN, LANGUAGES

RESTATED = ("normal", "hallucination")
_LANGUAGE = {"en": "English", "cn": "Chinese"}
_WHAT = ("right", *SLOTS)


def slot_figures(measured: Mapping[str, Measured | None], confidence: float) -> list[Figure]:
    """Shares of each row, over Normal and Hallucination together and each alone."""
    found = []
    for name, one in measured.items():
        if one is None:
            continue
        label = ROWS[name].label

        def add(
            metric: str,
            column: str,
            kinds: Sequence[str] | None,
            held_out: bool | None = None,
            highest: float = 1.0,
            row: str = label,
            of: Measured = one,
        ) -> None:
            cells = of.cells(column, kinds, held_out)
            mean = float(cells.values.mean()) / highest if cells.values.size else None
            low, high = interval(cells.values / highest, confidence, 1.0)
            found.append(Figure(row, metric, mean, low, high, cells.values.shape[1], cells.expected))

        for language in LANGUAGES:
            for what in _WHAT:
                add(f"{what}_{language}", f"{what}_{language}", RESTATED)
                for kind in RESTATED:
                    add(f"{kind}_{what}_{language}", f"{what}_{language}", [kind])
        for kind in sorted(set(one.kinds.tolist())):
            add(f"{kind}_verdict", "changed_right", [kind])
        add("unparsed", "unparsed", None)
        add("readable_en", f"readable_{EN}", RESTATED)
        add("copied_hallucination", "copied", ["hallucination"])
        for kind in RESTATED:
            add(f"{kind}_held_out", "points", [kind], True, POINTS)
            add(f"{kind}_seen", "points", [kind], False, POINTS)
    return found


def slots_page(name: str, found: Sequence[Figure], measured: Mapping[str, Measured | None], title: str, confidence: float) -> str:
    """The two tables as Markdown."""
    known = Figures(found)
    run = [ROWS[row].label for row, one in measured.items() if one]
    slots = [
        (label, _LANGUAGE[language], *(shown(known.get(label, f"{what}_{language}"), 3) for what in _WHAT))
        for label in run
        for language in LANGUAGES
    ]
    columns = [*(f"{kind}_verdict" for kind in KINDS), "unparsed", "unreadable", "copied_hallucination"]
    columns += [f"{kind}_{part}" for kind in RESTATED for part in ("held_out", "seen")]
    head = ["verifier", *(f"{said} verdict" for said in KINDS.values()), "not parsed", "unreadable", "copied"]
    head += [f"{KINDS[kind]}, {part}" for kind in RESTATED for part in ("held out", "others")]
    more = [
        (label, *(shown(_column(known, label, column), 3, interval=column.endswith(("held_out", "seen"))) for column in columns))
        for label in run
    ]
    return (
        render(
            Path(__file__).with_name("table5_slots.jinja"),
            name=name,
            title=title,
            slots=table(("verifier", "language", "fully right", *SLOTS), slots, left=2),
            more=table(head, more),
            level=f"{100 * confidence:g}",
        )
        + "\n"
    )


def _column(known: Figures, row: str, column: str) -> Figure | None:
    if column != "unreadable":
        return known.get(row, column)
    readable = known.get(row, "readable_en")
    return (
        None
        if readable is None or readable.value is None
        else Figure(row, column, 1.0 - readable.value, n=readable.n, expected=readable.expected)
    )
