"""What judges gave the benchmark's simulated edits, beside what is known of each: was anything outside the target damaged?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from unicedit.benchmark.schema import IF, NC, VQ
from unicedit.config.edit import SimulatedEditorSettings
from unicedit.errors import PipelineError
from unicedit.lookup import rows
from unicedit.provenance import EditProvenance
from unicedit.schema import OK
from unicedit.scoring.formulas import FORMULAS, Values
from unicedit.scoring.resample import intervals, known, picture_weights
from unicedit.scoring.viescore import OVERALL, PQ, SC, viescore
from unicedit.sources import KeyedTable, Sources
from unicedit.tables.interval import Interval
from unicedit.world.faults import DAMAGE, NONE
from unicedit.world.outcome import outcome

Floats = NDArray[np.float64]
Edit = tuple[str, str, str]  # model, language, sample
METRICS = (NC, SC, OVERALL)
RESAMPLES, SEED = 2000, 0


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of an edit: the picture it is of, and its fault (``world.faults``)."""

    source: str
    kind: str


def truths(records: Path, tables: Iterable[Path], models: Mapping[str, SimulatedEditorSettings]) -> dict[Edit, Truth]:
    """The truth of every edit that was made."""
    found: dict[Edit, Truth] = {}
    texts, sources = KeyedTable(records), Sources(records)
    pictures = {row["key"]: row["picture"] for row in rows(records, ["key", "picture"])}
    for table in tables:
        for row in rows(table, ["sample", "language", "editor", "seed"], OK):
            (text,) = texts.get([row["sample"]], row["language"])
            ((_, provenance),) = sources.pictures([row["sample"]])
            instruction = text[row["language"]]
            made = replace(provenance, edit=EditProvenance(row["editor"], row["seed"], instruction))
            kind = outcome(made, instruction, row["seed"], models[row["editor"]].faults).kind
            found[row["editor"], row["language"], row["sample"]] = Truth(pictures[row["sample"]], kind)
    return found


def judged(tables: Iterable[Path]) -> dict[str, dict[Edit, dict[str, float]]]:
    """Every judge's scores by edit and metric of the benchmark, each the mean of its scored runs."""
    runs: dict[tuple[str, Edit, str], list[float]] = {}
    for table in tables:
        for row in rows(table, ["judge", "model", "language", "key", "metric", "score"], OK):
            runs.setdefault((row["judge"], (row["model"], row["language"], row["key"]), row["metric"]), []).append(row["score"])
    found: dict[str, dict[Edit, dict[str, float]]] = {}
    for (judge, edit, metric), scores in runs.items():
        found.setdefault(judge, {}).setdefault(edit, {})[metric] = fmean(scores)
    return found


def of_truth(scores: Mapping[Edit, Mapping[str, float]]) -> dict[Edit, dict[str, float]]:
    """VIEScore's analogue from measured metrics, beside NC.

    Its definition is kept: SC the lower of how far the instruction was followed and how little was overedited, PQ of quality, Overall sqrt(SC x PQ). What the
    sub-scores are measured by is ours: IF for the first, NC for the second, VQ for quality.
    """
    found = {}
    for edit, one in scores.items():
        both = viescore([one[name] for name in (IF, NC) if name in one], [one[VQ]] * 2 if VQ in one else [], use_incomplete=False)
        values = {NC: one.get(NC), SC: both.sc, OVERALL: both.overall}
        found[edit] = {name: value for name, value in values.items() if value is not None}
    return found


def with_viescores(
    scores: Mapping[Edit, Mapping[str, float]], tables: Iterable[Path], judge: str, models: Sequence[str]
) -> dict[Edit, dict[str, float]]:
    """A judge's NC, and the SC and Overall that it gave the same edits when it was asked for them."""
    found = {edit: {NC: one[NC]} if NC in one else {} for edit, one in scores.items()}
    for edit, values in viescores(tables, judge, models, sorted({edit[1] for edit in scores})).items():
        found.setdefault(edit, {}).update({metric: value for metric, value in values.items() if metric != PQ})
    return found


def viescores(
    tables: Iterable[Path], judge: str, models: Sequence[str], languages: Sequence[str], values: Values = FORMULAS["viescore"].values
) -> dict[Edit, dict[str, float]]:
    """The metrics (SC, PQ and Overall, or those that ``values`` makes of scores by question) of edits of the benchmark, each the mean over the runs that have it."""
    names = {f"{model}-{language}": (model, language) for model in models for language in languages}
    lists: dict[tuple[Edit, int], dict[str, list[float]]] = {}
    for table in tables:
        for row in rows(table, ["dataset", "judge", "place", "metric", "repeat", "scores"], OK):
            if row["judge"] == judge:
                lists.setdefault(((*names[row["dataset"]], row["place"]), row["repeat"]), {})[row["metric"]] = row["scores"]
    runs: dict[tuple[Edit, str], list[float]] = {}
    for (edit, _), given in lists.items():
        for metric, value in values(given).items():
            runs.setdefault((edit, metric), []).append(value)
    found: dict[Edit, dict[str, float]] = {}
    for (edit, metric), scores in runs.items():
        found.setdefault(edit, {})[metric] = fmean(scores)
    return found


@dataclass(frozen=True, slots=True)
class Cases:
    """Edits with damage outside the target and edits to tell them from, that have every metric: scores (metrics, n), damaged (n,), number of the source (n,)."""

    scores: Floats
    damaged: NDArray[np.bool_]
    source: NDArray[np.int64]
    expected: int

    @property
    def decidable(self) -> bool:
        """Whether both kinds are there."""
        return bool(self.damaged.any() and not self.damaged.all())


def cases(truth: Mapping[Edit, Truth], scores: Mapping[Edit, Mapping[str, float]], right_only: bool) -> Cases:
    """Damaged edits against those that went well, or against all that have another fault too. Raises ``PipelineError`` where a score is of an unknown edit."""
    if strangers := set(scores) - set(truth):
        raise PipelineError(f"a judge scored an edit that no table of edits has: {' '.join(min(strangers))}; run the benchmark again")
    asked = [edit for edit, one in truth.items() if one.kind == DAMAGE or one.kind == NONE or not right_only]
    there = [edit for edit in asked if all(metric in scores.get(edit, {}) for metric in METRICS)]
    _, source = np.unique(np.array([truth[edit].source for edit in there], dtype=str), return_inverse=True)
    return Cases(
        np.array([[scores[edit][metric] for edit in there] for metric in METRICS], dtype=np.float64).reshape(len(METRICS), len(there)),
        np.array([truth[edit].kind == DAMAGE for edit in there], dtype=bool),
        source.astype(np.int64),
        len(asked),
    )


def roc(scores: Floats, damaged: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """False alarms and detections, each (k,), as shares from 0 to 1: an alarm is a score below a threshold that rises from the lowest. Equal scores are one step."""
    order = np.argsort(scores, kind="stable")
    last: NDArray[np.bool_] = np.append(np.diff(scores[order]) > 0, True)
    hits, alarms = np.cumsum(damaged[order])[last], np.cumsum(~damaged[order])[last]
    return np.append(0.0, alarms / alarms[-1]), np.append(0.0, hits / hits[-1])


def areas(found: Cases, confidence: float) -> tuple[list[float], list[Interval]]:
    """The area under each metric's curve, and last the first's minus the second's; with bootstrap intervals over source pictures, drawn alike for all."""
    sources = int(found.source.max()) + 1
    weights = picture_weights(sources, RESAMPLES, SEED)[:, found.source]
    hit, miss = weights[:, found.damaged], weights[:, ~found.damaged]
    pairs = np.maximum(hit.sum(axis=1) * miss.sum(axis=1), 1e-12)
    by_metric = []
    for scores in found.scores:
        low, high = scores[found.damaged][:, None], scores[~found.damaged][None, :]
        by_metric.append((hit @ ((low < high) + 0.5 * (low == high)) * miss).sum(axis=1) / pairs)
    whole = np.array([*by_metric, by_metric[0] - by_metric[1]]).T
    both: NDArray[np.bool_] = np.logical_and(hit.any(axis=1), miss.any(axis=1))
    resampled = np.where(both[:, None], whole, np.nan)[1:]
    low_ends, high_ends = intervals(resampled, sources - 1, confidence)
    return whole[0].tolist(), [known(low, high) for low, high in zip(low_ends, high_ends, strict=True)]
