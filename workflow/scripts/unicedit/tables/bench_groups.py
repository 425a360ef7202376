"""Another benchmark by its publishers' groups and formulas: each edit's metrics, means by language and group, and their average over the groups or over all samples."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unicedit.benchmark.mapping import BenchMapping
from unicedit.config.tables import TablesSettings
from unicedit.files import write_text
from unicedit.lookup import rows
from unicedit.markdown import plain, table
from unicedit.scoring.cube import Floats
from unicedit.scoring.formulas import FORMULAS, Formula
from unicedit.scoring.resample import intervals, known, picture_weights
from unicedit.tables.nc_claim_measure import RESAMPLES, SEED, Edit, viescores
from unicedit.tables.table import Figure, Figures, shown, write_long
from unicedit.vlm.template import render

NAME = "bench_groups"
AVERAGE = "average"
FULL = "all"
_HEADS = {"Overall": "O"}  # where a column is called otherwise than its metric


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


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A mean as it is (first) and resampled, (1 + resamples,), and of how many of how many edits it is."""

    means: Floats
    n: int
    expected: int


@dataclass(frozen=True, slots=True)
class _Edits:
    """One model's edits in one language and subset, and the metrics by key that one judge's scores gave. ``weights`` are of source pictures (``resample``)."""

    samples: Mapping[str, _Sample]
    scores: Mapping[str, Mapping[str, float]]
    formula: Formula
    pictures: Mapping[str, int]
    weights: Floats

    def mean(self, metric: str, groups: Sequence[str], missing: float | None) -> _Drawn:
        """The mean of a metric over all edits of the groups that have it; ``missing`` stands for what is unknown, where it is given."""
        keys = [key for key, one in self.samples.items() if one.group in groups and metric in self.formula.owed(one.group)]
        scored = [key for key in keys if metric in self.scores[key]]
        there = scored if missing is None else keys
        values = np.array([self.scores[key].get(metric, missing) for key in there], dtype=np.float64)
        return _Drawn(_means(values, self.weights[:, [self.pictures[self.samples[key].picture] for key in there]]), len(scored), len(keys))

    def parts(self, metric: str, mapping: BenchMapping, missing: float | None = None) -> Iterator[tuple[str, _Drawn]]:
        """The means of each group, of each of the mapping's names for several, and the average, as published."""

        def has(groups: Sequence[str]) -> bool:
            return any(metric in self.formula.owed(group) for group in groups)

        groups = {group: self.mean(metric, [group], missing) for group in mapping.groups if has([group])}
        yield from groups.items()
        for several in mapping.together:
            if has(members := mapping.groups_of(several.name)):
                yield several.name, self.mean(metric, members, missing)
        whole = self.mean(metric, mapping.groups, missing)
        if mapping.average == "groups":  # of those that have samples, however many each has
            of = [one.means for one in groups.values() if one.expected] or [whole.means]
            whole = _Drawn(np.mean(of, axis=0), whole.n, whole.expected)
        yield AVERAGE, whole


def source_of(judge: str) -> str:
    """How the long table calls a judge's figures."""
    return f"measured by {judge}"


def row_of(model: str, language: str, subset: str, group: str) -> str:
    """How the long table calls a group of edits."""
    return f"{model}, {language}, {subset}, {group}"


def bound_of(formula: Formula) -> str:
    """How the long table calls the overall metric with its least value where none is known: a bound from below."""
    return f"{formula.overall}, missing as {formula.lowest:g}"


def figures_of(
    records: Path, scores: Mapping[str, Mapping[Edit, Mapping[str, float]]], mapping: BenchMapping, compared: Compared, confidence: float
) -> list[Figure]:
    """Means of each judge, model, language, subset and group, with bootstrap intervals over source pictures."""
    samples = dict(_samples(records))
    pictures = {name: place for place, name in enumerate(sorted({one.picture for one in samples.values()}))}
    weights = picture_weights(len(pictures), RESAMPLES, SEED)
    formula = FORMULAS[mapping.questions]
    metrics = [*((metric, metric, None) for metric in formula.metrics), (bound_of(formula), formula.overall, formula.lowest)]
    figures = []
    for judge in compared.judges:
        for model in compared.models:
            for language in compared.languages:
                for subset in _subsets(mapping):
                    own = {key: one for key, one in samples.items() if one.language == language and subset in (FULL, one.subset)}
                    found = {key: scores[judge].get((model, language, key), {}) for key in own}
                    edits = _Edits(own, found, formula, pictures, weights)
                    for name, metric, missing in metrics:
                        for group, drawn in edits.parts(metric, mapping, missing):
                            row = row_of(model, language, subset, group)
                            figures.append(_figure(row, name, drawn, len(pictures), confidence, source_of(judge)))
    return figures


def _subsets(mapping: BenchMapping) -> list[str]:
    return [FULL, *([mapping.subset.name] if mapping.subset else [])]


def _samples(records: Path) -> Iterable[tuple[str, _Sample]]:
    for row in rows(records, ["key", "subtask", "en", "subset", "picture"]):
        yield row["key"], _Sample("en" if row["en"] else "cn", row["subtask"], row["subset"], row["picture"])


def _means(values: Floats, weights: Floats) -> Floats:
    """Weighted means (draws,); NaN where nothing was scored, or drawn."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((weights @ values) / weights.sum(axis=1))


def _figure(row: str, metric: str, drawn: _Drawn, pictures: int, confidence: float, source: str) -> Figure:
    if not np.isfinite(drawn.means[0]):
        return Figure(row, metric, None, n=drawn.n, expected=drawn.expected, source=source)
    low, high = intervals(drawn.means[1:, None], pictures - 1, confidence)
    return Figure(row, metric, float(drawn.means[0]), *known(low[0], high[0]), drawn.n, drawn.expected, source)


def page(figures: Sequence[Figure], mapping: BenchMapping, compared: Compared, confidence: float, several: int) -> str:
    """The table as Markdown, a part for each judge, language and subset: averages of the models, then the overall metric by the mapping's names for several groups, or
    by group where it has none. ``several``: samples with several source pictures.
    """
    found, formula = Figures(figures), FORMULAS[mapping.questions]
    label = _HEADS.get(formula.overall, formula.overall)
    names = [several.name for several in mapping.together] or list(mapping.groups)
    metrics = [*formula.metrics, bound_of(formula)]
    heads = [*(_HEADS.get(metric, metric) for metric in formula.metrics), f"{label}, missing as {formula.lowest:g}"]
    parts = []
    for judge in compared.judges:
        for language in compared.languages:
            for subset in _subsets(mapping):
                lines = []
                for model in compared.models:
                    by_name = [found.there(row_of(model, language, subset, name), formula.overall, source_of(judge)) for name in names]
                    averages = [found.there(row_of(model, language, subset, AVERAGE), metric, source_of(judge)) for metric in metrics]
                    total = averages[len(formula.metrics) - 1]
                    assert total is not None
                    cells = [*(shown(one) for one in averages), *(shown(one, interval=False) for one in by_name)]
                    lines.append((plain(model), *cells, f"{total.n:,} of {total.expected:,}"))
                head = ("model", *heads, *(f"{label}: {plain(name)}" for name in names), "n of expected")
                parts.append({"title": f"{plain(judge)}, {language}, {plain(subset)} samples", "table": table(head, lines)})
    about = {"name": plain(mapping.name), "questions": mapping.questions, "average": mapping.average, "lowest": f"{formula.lowest:g}"}
    level = f"{100 * confidence:g}"
    return render(Path(__file__).with_name("bench_groups.jinja"), **about, several=several, parts=parts, level=level) + "\n"


def bench_groups(
    results: Path, records: Path, tables: Sequence[Path], mapping: BenchMapping, compared: Compared, settings: TablesSettings
) -> dict[str, int]:
    """Write ``bench_groups`` as csv and md into the tables of ``results``; returns overall scores by status."""
    folder, formula = results / "tables", FORMULAS[mapping.questions]
    scores = {judge: viescores(tables, judge, compared.models, compared.languages, formula.values) for judge in compared.judges}
    figures = figures_of(records, scores, mapping, compared, settings.confidence)
    write_long(NAME, figures, folder / f"{NAME}.csv")
    several = sum(row["sources"] > 1 for row in rows(records, ["sources"]))
    write_text(folder / f"{NAME}.md", page(figures, mapping, compared, settings.confidence, several))
    totals = [one for one in figures if one.metric == formula.overall and one.row.endswith(f", {FULL}, {AVERAGE}")]
    ok, expected = sum(one.n or 0 for one in totals), sum(one.expected or 0 for one in totals)
    return {"ok": ok, "rejected": 0, "failed": expected - ok}
