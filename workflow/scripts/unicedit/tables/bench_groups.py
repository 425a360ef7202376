"""Another benchmark by its publishers' groups and formulas: SC, PQ and O = sqrt(SC x PQ) of each edit, means by language and group, and their mean over the groups."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unicedit.benchmark.mapping import BenchMapping
from unicedit.config.tables import TablesSettings
from unicedit.files import write_text
from unicedit.lookup import rows
from unicedit.markdown import plain, table
from unicedit.scoring.cube import Floats
from unicedit.scoring.resample import intervals, known, picture_weights
from unicedit.scoring.viescore import METRICS, OVERALL
from unicedit.tables.nc_claim_measure import RESAMPLES, SEED, Edit, viescores
from unicedit.tables.table import Figure, Figures, shown, write_long
from unicedit.vlm.template import render

NAME = "bench_groups"
AVERAGE = "average"
FULL = "all"


@dataclass(frozen=True, slots=True)
class Compared:
    """Who is compared: names of models, languages, judges."""

    models: Sequence[str]
    languages: Sequence[str]
    judges: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Sample:
    language: str
    group: str
    subset: str | None
    picture: str


def source_of(judge: str) -> str:
    """How the long table calls a judge's figures."""
    return f"measured by {judge}"


def row_of(model: str, language: str, subset: str, group: str) -> str:
    """How the long table calls a group of edits."""
    return f"{model}, {language}, {subset}, {group}"


def figures_of(
    records: Path, scores: Mapping[str, Mapping[Edit, Mapping[str, float]]], mapping: BenchMapping, compared: Compared, confidence: float
) -> list[Figure]:
    """Means of each judge, model, language, subset and group, with bootstrap intervals over source pictures."""
    samples = dict(_samples(records))
    pictures = {name: place for place, name in enumerate(sorted({one.picture for one in samples.values()}))}
    weights = picture_weights(len(pictures), RESAMPLES, SEED)
    subsets = [FULL, *([mapping.subset.name] if mapping.subset else [])]
    figures = []
    for judge in compared.judges:
        for model in compared.models:
            for language in compared.languages:
                for subset in subsets:
                    own = {key: one for key, one in samples.items() if one.language == language and subset in (FULL, one.subset)}
                    found = {key: scores[judge].get((model, language, key), {}) for key in own}
                    for metric in METRICS:
                        means, counts = [], []
                        for group in mapping.groups:
                            keys = [key for key, one in own.items() if one.group == group]
                            there = [key for key in keys if metric in found[key]]
                            place = [pictures[own[key].picture] for key in there]
                            means.append(_means(np.array([found[key][metric] for key in there]), weights[:, place]))
                            counts.append((len(there), len(keys)))
                        # as published: the mean of the groups that have samples, however many each has
                        average = np.mean(
                            [mean for mean, (_, expected) in zip(means, counts, strict=True) if expected] or [means[0]], axis=0
                        )
                        total = (sum(n for n, _ in counts), sum(expected for _, expected in counts))
                        for group, mean, count in zip((*mapping.groups, AVERAGE), (*means, average), (*counts, total), strict=True):
                            row = row_of(model, language, subset, group)
                            figures.append(_figure(row, metric, mean, count, len(pictures), confidence, source_of(judge)))
    return figures


def _samples(records: Path) -> Iterable[tuple[str, _Sample]]:
    for row in rows(records, ["key", "subtask", "en", "subset", "picture"]):
        yield row["key"], _Sample("en" if row["en"] else "cn", row["subtask"], row["subset"], row["picture"])


def _means(values: Floats, weights: Floats) -> Floats:
    """Weighted means (draws,); NaN where nothing was scored, or drawn."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((weights @ values) / weights.sum(axis=1))


def _figure(row: str, metric: str, drawn: Floats, count: tuple[int, int], pictures: int, confidence: float, source: str) -> Figure:
    if not np.isfinite(drawn[0]):
        return Figure(row, metric, None, n=count[0], expected=count[1], source=source)
    low, high = intervals(drawn[1:, None], pictures - 1, confidence)
    return Figure(row, metric, float(drawn[0]), *known(low[0], high[0]), *count, source)


def page(figures: Sequence[Figure], mapping: BenchMapping, compared: Compared, confidence: float) -> str:
    """The table as Markdown, a part for each judge, language and subset: averages of the models, then O by group."""
    found = Figures(figures)
    subsets = [FULL, *([mapping.subset.name] if mapping.subset else [])]
    parts = []
    for judge in compared.judges:
        for language in compared.languages:
            for subset in subsets:
                lines = []
                for model in compared.models:
                    groups = [found.there(row_of(model, language, subset, group), OVERALL, source_of(judge)) for group in mapping.groups]
                    averages = [found.there(row_of(model, language, subset, AVERAGE), metric, source_of(judge)) for metric in METRICS]
                    total = averages[-1]
                    assert total is not None
                    cells = [*(shown(one) for one in averages), *(shown(one, interval=False) for one in groups)]
                    lines.append((plain(model), *cells, f"{total.n:,} of {total.expected:,}"))
                head = ("model", "SC", "PQ", "O", *(f"O: {plain(group)}" for group in mapping.groups), "n of expected")
                parts.append({"title": f"{plain(judge)}, {language}, {plain(subset)} samples", "table": table(head, lines)})
    return (
        render(Path(__file__).with_name("bench_groups.jinja"), name=plain(mapping.name), parts=parts, level=f"{100 * confidence:g}") + "\n"
    )


def bench_groups(
    results: Path, records: Path, tables: Sequence[Path], mapping: BenchMapping, compared: Compared, settings: TablesSettings
) -> dict[str, int]:
    """Write ``bench_groups`` as csv and md into the tables of ``results``; returns overall scores by status."""
    folder = results / "tables"
    scores = {judge: viescores(tables, judge, compared.models, compared.languages) for judge in compared.judges}
    figures = figures_of(records, scores, mapping, compared, settings.confidence)
    write_long(NAME, figures, folder / f"{NAME}.csv")
    write_text(folder / f"{NAME}.md", page(figures, mapping, compared, settings.confidence))
    totals = [one for one in figures if one.metric == OVERALL and one.row.endswith(f", {FULL}, {AVERAGE}")]
    ok, expected = sum(one.n or 0 for one in totals), sum(one.expected or 0 for one in totals)
    return {"ok": ok, "rejected": 0, "failed": expected - ok}
