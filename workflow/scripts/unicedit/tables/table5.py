"""Table 5: accuracy of verifiers on Normal, No Edit and Hallucination samples, measured, beside the paper's figures."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from unicedit.config.tables import TablesSettings
from unicedit.errors import PipelineError
from unicedit.evaluation.rows import ROWS
from unicedit.evaluation.schema import POINTS
from unicedit.files import write_text
from unicedit.markdown import plain, table
from unicedit.tables.table import REPORTED, Figure, Figures, shown, write_long
from unicedit.tables.table5_findings import KINDS, figures_of, findings, paragraph
from unicedit.tables.table5_measured import Measured, measured_rows
from unicedit.tables.table5_plot import plot
from unicedit.tables.table5_slots import slot_figures, slots_page
from unicedit.tables.table5_statistics import Values, interval
from unicedit.vlm.template import render

VERDICT = "is_changed"
NOT_RUN = "not run"
_PAPER_METRICS = ("normal_acc", "no_edit_acc", "hallucination_acc")


def figures(measured: Mapping[str, Measured | None], confidence: float) -> list[Figure]:
    """The accuracy of each row by kind, 0 to 10, and the share of right verdicts over all kinds; with a spread over seeds where there are several."""
    found = []
    for name, one in measured.items():
        if one is None:
            continue
        label = ROWS[name].label
        for kind in KINDS:
            cells = one.cells("points", [kind])
            if cells.expected:
                found.append(_figure(label, f"{kind}_acc", cells.values, cells.expected, confidence, POINTS))
                if one.seeds > 1 and cells.values.size:
                    deviation = float(cells.values.mean(axis=1).std(ddof=1))
                    found.append(Figure(label, f"{kind}_acc_seed_sd", deviation, n=one.seeds, expected=one.seeds))
        cells = one.cells("changed_right")
        found.append(_figure(label, VERDICT, cells.values, cells.expected, confidence, 1.0))
        found.append(Figure(label, "seeds", one.seeds))
    return found


def _figure(row: str, metric: str, values: Values, expected: int, confidence: float, highest: float) -> Figure:
    mean = float(values.mean()) if values.size else None
    return Figure(row, metric, mean, *interval(values, confidence, highest), values.shape[1], expected)


def reported(paper: Path, rows: Sequence[str]) -> list[Figure]:
    """The paper's figures for the rows of the same kind. Raises ``PipelineError`` where the file lacks one."""
    with paper.open(encoding="utf-8", newline="") as stream:
        lines = {line["model"]: line for line in csv.DictReader(stream)}
    found = []
    for name in rows:
        row = ROWS[name]
        if row.paper is None:
            continue
        if row.paper not in lines:
            raise PipelineError(f"{paper}: no model {row.paper!r}; it has {', '.join(lines)}")
        found += [Figure(row.label, metric, float(lines[row.paper][metric]), source=REPORTED) for metric in _PAPER_METRICS]
    return found


def page(
    name: str, found: Sequence[Figure], measured: Mapping[str, Measured | None], said: str, about: Mapping[str, object], confidence: float
) -> str:
    """The table as Markdown. ``about``: ``title`` and ``note`` on what was simulated, ``tuned`` learning rates a trained row tried (0: none was)."""
    known = Figures(found)
    kinds = [kind for kind in KINDS if any(one.metric == f"{kind}_acc" and one.n is not None for one in found)] or list(KINDS)[:3]
    head = ["verifier"]
    for kind in kinds:
        head += [f"{KINDS[kind]}, measured", *([f"{KINDS[kind]}, paper"] if f"{kind}_acc" in _PAPER_METRICS else [])]
    head += ["is_changed, all kinds", "seeds", "n of expected"]
    rows = []
    for row, one in measured.items():
        label = ROWS[row].label
        cells = [label]
        for kind in kinds:
            cells.append(shown(known.get(label, f"{kind}_acc")) if one else NOT_RUN)
            if f"{kind}_acc" in _PAPER_METRICS:
                cells.append(shown(known.get(label, f"{kind}_acc", REPORTED)))
        verdicts = known.get(label, VERDICT)
        rows.append(
            [*cells, shown(verdicts, 3), str(one.seeds) if one else "–", f"{verdicts.n:,} of {verdicts.expected:,}" if verdicts else "–"]
        )
    seeds = max((one.seeds for one in measured.values() if one), default=1)
    judges = sorted({plain(judge) for one in measured.values() if one for judge in one.judges})
    return (
        render(
            Path(__file__).with_name("table5.jinja"),
            name=name,
            title=about["title"],
            note=about["note"],
            tuned=about["tuned"],
            joint=measured.get("joint") is not None,
            table=table(head, rows),
            findings=said,
            judges=", ".join(judges),
            level=f"{100 * confidence:g}",
            intervals=_intervals(seeds),
            controls=any(measured.get(row) for row in ("control", "sft_hallucination", "no_cv", "sigmoid")),
        )
        + "\n"
    )


def _intervals(seeds: int) -> str:
    if seeds == 1:
        return "One seed: Wilson's, over samples alone; they do not say how another training run would have come out."
    return (
        f"Over {seeds} seeds and the samples, both taken as drawn by chance (crossed variance, Satterthwaite's degrees of freedom), in Wilson's form with as many "
        "independent rows as have that variance; rows without training: Wilson's over samples."
    )


def table5(
    name: str,
    results: Path,
    rows: Sequence[str],
    seeds: Sequence[str],
    paper: Path,
    settings: TablesSettings,
    simulated: bool,
    tuned: int = 0,
) -> dict[str, int]:
    """Write ``tables/<name>.csv``, ``.md``, ``.png`` and ``<name>_slots.csv``, ``.md`` from the evaluations in ``results``. Returns the number of figures by status."""
    measured = measured_rows(results, rows, seeds)
    compared = findings(measured, settings.confidence)
    own = figures(measured, settings.confidence) + reported(paper, rows)
    said = paragraph(compared, round(1 - settings.confidence, 6), len(seeds))
    title = ", in the simulated world" if simulated else ""
    note = (
        "**Simulated**: the pictures, edits and instructions are of the simulated world. The figures speak of it, not of real pictures."
        if simulated
        else ""
    )
    folder = results / "tables"
    write_long(name, own + figures_of(compared), folder / f"{name}.csv")
    write_text(folder / f"{name}.md", page(name, own, measured, said, {"title": title, "note": note, "tuned": tuned}, settings.confidence))
    plot(own, measured, title, folder / f"{name}.png")
    slots = slot_figures(measured, settings.confidence)
    write_long(f"{name}_slots", slots, folder / f"{name}_slots.csv")
    write_text(folder / f"{name}_slots.md", slots_page(name, slots, measured, title, settings.confidence))
    return {"ok": len(own) + len(slots), "rejected": 0, "failed": 0}
