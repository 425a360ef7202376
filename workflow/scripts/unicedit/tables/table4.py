"""Table 4: scores of editing models on the benchmark, by judge and language, beside the paper's figures; and by sub-task."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from unicedit.config.tables import TablesSettings
from unicedit.errors import PipelineError
from unicedit.files import write_text
from unicedit.markdown import plain, table
from unicedit.scoring.aggregate import ALL, BOTH, Mean
from unicedit.scoring.schema import METRICS, OVERALL
from unicedit.scoring.statistics import Statistics
from unicedit.tables.table import REPORTED, Figure, Figures, shown, write_long
from unicedit.tables.table4_about import NOT_RUN, About, about, row_of, source_of
from unicedit.tables.table4_plot import plot
from unicedit.tables.table4_statistics import (
    agreement_table,
    failure_table,
    judged_rows,
    more_figures,
    neighbour_line,
    repeat_table,
    statistics_of,
)
from unicedit.tables.table4_subtasks import write_subtasks
from unicedit.vlm.template import render

NAME = "table4"
SPOKEN = {"en": "English", "cn": "Chinese", BOTH: "both languages"}
COLUMNS = (*METRICS, OVERALL)


def figures_of(means: Sequence[Mean]) -> list[Figure]:
    """The figures over all samples; the overall also with missing scores as 0 and as 10."""
    found = []
    for one in means:
        if one.level != ALL:
            continue
        place = (row_of(one.model, one.language), one.metric)
        found.append(Figure(*place, one.left_out, one.ci_low, one.ci_high, one.n, one.expected, source_of(one.judge)))
        if one.metric == OVERALL:
            for end, value in (("missing as 0", one.zero), ("missing as 10", one.upper)):
                found.append(Figure(place[0], f"{OVERALL}, {end}", value, n=one.n, expected=one.expected, source=source_of(one.judge)))
    return found


def reported(paper: Path) -> list[Figure]:
    """The paper's figures, rows by the names it prints. Raises ``PipelineError`` for a figure outside 0 to 10."""
    found = []
    with paper.open(encoding="utf-8", newline="") as stream:
        for line in csv.DictReader(stream):
            for metric in COLUMNS:
                value = float(line[metric.lower()])
                if not 0 <= value <= 10:
                    raise PipelineError(f"{paper}: {line['model']}, {line['language']}: {metric} is {value}; 0 to 10 is allowed")
                found.append(Figure(row_of(line["model"], line["language"]), metric, value, source=REPORTED))
    return found


def page(figures: Sequence[Figure], said: About, stated: Statistics, confidence: float) -> str:
    """The table as Markdown, a part for each judge and language."""
    found = Figures(figures)
    papers = list(dict.fromkeys(one.row.rpartition(", ")[0] for one in figures if one.source == REPORTED))
    parts = [
        {"name": SPOKEN[language], "judge": judge.line, "table": _part(found, said, judge.name, language, papers)}
        for judge in said.judges
        for language in said.languages
    ]
    return (
        render(
            Path(__file__).with_name("table4.jinja"),
            title=said.title,
            note=said.note,
            parts=parts,
            warnings=[plain(one, 1000) for one in stated.warnings],
            neighbours=[neighbour_line(one, confidence) for one in stated.neighbours],
            repeats=repeat_table(stated.repeats),
            agreement=agreement_table(stated.agreement),
            failures=failure_table(stated.failures),
            level=f"{100 * confidence:g}",
            not_run=NOT_RUN,
        )
        + "\n"
    )


def _part(found: Figures, said: About, judge: str, language: str, papers: Sequence[str]) -> str:
    head = ["model", *COLUMNS, "missing as 0", "n of expected", *(f"{metric}, paper" for metric in COLUMNS)]
    claimed = {model.paper for model in said.models}
    rows = [_line(found, model.name, model.paper, judge, language) for model in said.models]
    for name in papers:
        if name not in claimed and found.get(row_of(name, language), OVERALL, REPORTED):
            rows.append(_line(found, None, name, judge, language))
    return table(head, rows)


def _line(found: Figures, model: str | None, paper: str | None, judge: str, language: str) -> list[str]:
    row, source = row_of(model or "", language), source_of(judge)
    overall = found.there(row, OVERALL, source)
    if overall is None:
        own = [NOT_RUN, *["–"] * 6]
    else:
        own = [shown(found.get(row, metric, source), interval=metric == OVERALL) for metric in COLUMNS]
        own += [shown(found.get(row, f"{OVERALL}, missing as 0", source)), f"{overall.n:,} of {overall.expected:,}"]
    printed = [shown(found.get(row_of(paper, language), metric, REPORTED)) if paper else "–" for metric in COLUMNS]
    return [plain(model or paper), *own, *printed]


def tasks_of(judged: pa.Table) -> dict[str, list[str]]:
    """The sub-tasks of each task, both in the benchmark's order."""
    found: dict[str, list[str]] = {}
    for task, subtask in dict.fromkeys(zip(judged["task"].to_pylist(), judged["subtask"].to_pylist(), strict=True)):
        found.setdefault(task, []).append(subtask)
    return found


def table4(results: Path, tables: Sequence[Path], paper: Path, values: Mapping[str, Any]) -> dict[str, int]:
    """Write ``tables/table4`` and ``tables/table4_subtasks``, each as csv, md and png; returns the number of judgements by status."""
    settings = TablesSettings(**values["tables"])
    judged = judged_rows(tables)
    said = about(values, judged)
    stated = statistics_of(judged, settings.confidence)
    figures = figures_of(stated.means) + more_figures(stated) + reported(paper)
    folder = results / "tables"
    write_long(NAME, figures, folder / f"{NAME}.csv")
    write_text(folder / f"{NAME}.md", page(figures, said, stated, settings.confidence))
    plot(figures, said, folder / f"{NAME}.png")
    write_subtasks(stated.means, said, tasks_of(judged), folder)
    failed = judged["status"].to_pylist().count("failed")
    return {"ok": judged.num_rows - failed, "rejected": 0, "failed": failed}
