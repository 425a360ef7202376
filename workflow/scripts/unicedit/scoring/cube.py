"""Judgements as an array: judge x model x sample x metric x repeat, not a number where nothing was scored."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from unicedit.errors import PipelineError
from unicedit.schema import FAILED, OK
from unicedit.scoring.schema import EVERYWHERE, HIGHEST, JUDGEMENTS, LANGUAGES, METRICS, SAMPLES
from unicedit.taxonomy import REASONING

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_IDENTITY = ("model", "judge", "key", "language", "metric", "repeat")


@dataclass(frozen=True, slots=True)
class Cube:
    """All judgements of a benchmark, in an order that does not depend on the rows'.

    ``scores``: (judges, models, samples, metrics, repeats), 0 to 10, NaN where missing. ``failed``: same shape without repeats, rows that failed.
    ``asked``: (samples, metrics), which metrics a sample is scored on. ``judged``: (judges, models, samples), whether that judge saw anything of
    that model in that sample's language. Samples are (key, language); ``source``, ``subtask`` and ``task`` number the lists of names.
    """

    judges: list[str]
    models: list[str]
    sources: list[str]
    tasks: list[str]
    subtasks: list[str]
    keys: list[str]
    language: NDArray[np.str_]
    source: Ints
    task: Ints
    subtask: Ints
    asked: Bools
    judged: Bools
    scores: Floats
    failed: Ints

    @property
    def languages(self) -> list[str]:
        """The languages that samples are in."""
        return [language for language in LANGUAGES if (self.language == language).any()]


def cube_of(judgements: pa.Table, samples: pa.Table | None = None, repeats: int | None = None) -> Cube:
    """Arrange a table of judgements (``JUDGEMENTS``).

    Expected are ``samples`` (``SAMPLES``; else every sample that any model was judged on) x ``repeats`` (else as many as the table has), so that a
    judgement without a row is missing like one that failed. Raises ``PipelineError`` for rows that contradict each other or the schema.
    """
    table = _checked(judgements)
    known = _samples(table if samples is None else samples)
    judges, judge = _codes(table["judge"])
    models, model = _codes(table["model"])
    found = int(np.max(table["repeat"].to_numpy(), initial=-1)) + 1
    count = max(found, 1) if repeats is None else repeats
    if found > count:
        raise PipelineError(f"judgements: repeat {found - 1} is there, but {count} repeats are expected: set repeats to {found} or more")
    place = _places(table, known)
    metric = _positions(table["metric"], METRICS)
    repeat = table["repeat"].to_numpy().astype(np.int64)
    asked = _asked(known)
    _first(table, ~asked[place, metric], f"metric RA belongs to the task {REASONING!r} only: drop the row, or correct its task")
    size = (len(judges), len(models), known.num_rows, len(METRICS))
    flat = np.ravel_multi_index((judge, model, place, metric, repeat), (*size, count))
    scores = np.full(int(np.prod(size)) * count, np.nan)
    score = table["score"].to_numpy()
    order = np.argsort(flat, kind="stable")
    twice = np.zeros(len(flat), dtype=bool)
    twice[order[1:]] = flat[order[1:]] == flat[order[:-1]]
    _first(table, twice, "the same judgement stands twice: number repeats from 0, and write each once")
    scores[flat] = score
    failed = np.zeros(size, dtype=np.int64)
    bad = _equals(table["status"], FAILED)
    np.add.at(failed, (judge[bad], model[bad], place[bad], metric[bad]), 1)
    language = np.array(known["language"].to_pylist(), dtype=np.str_)
    judged = np.zeros(size[:3], dtype=bool)
    for name in LANGUAGES:
        there = np.zeros(size[:2], dtype=bool)
        rows = _equals(table["language"], name)
        there[judge[rows], model[rows]] = True
        judged |= there[:, :, None] & (language == name)[None, None, :]
    (sources, source), (tasks, task), (subtasks, subtask) = (_codes(known[name]) for name in ("source", "task", "subtask"))
    keys = known["key"].to_pylist()
    return Cube(
        judges, models, sources, tasks, subtasks, keys, language, source, task, subtask, asked, judged, scores.reshape(*size, count), failed
    )


def _checked(table: pa.Table) -> pa.Table:
    missing = [name for name in JUDGEMENTS.names if name not in table.column_names]
    if missing:
        raise PipelineError(f"judgements: no column {missing[0]!r}; columns are {', '.join(JUDGEMENTS.names)}")
    table = table.select(JUDGEMENTS.names).cast(JUDGEMENTS).combine_chunks()
    for name, allowed in (("metric", METRICS), ("language", LANGUAGES), ("status", (OK, FAILED))):
        _first(table, _positions(table[name], allowed) < 0, f"{name} is none of {', '.join(allowed)}")
    score, ok = table["score"].to_numpy(), _equals(table["status"], OK)
    _first(
        table,
        ok & ~((score >= 0) & (score <= HIGHEST)),
        f"an ok row's score is a number from 0 to {HIGHEST:g}; else its status is {FAILED}",
    )
    _first(table, ~ok & ~np.isnan(score), f"a {FAILED} row has a score: leave it null")
    _first(table, table["repeat"].to_numpy() < 0, "repeats are numbered from 0")
    return table


def _samples(table: pa.Table) -> pa.Table:
    """The samples of a table, sorted, each (key, language) once."""
    known = table.select(SAMPLES.names).group_by(SAMPLES.names).aggregate([])
    known = known.select(SAMPLES.names).sort_by([(name, "ascending") for name in ("key", "language")]).combine_chunks()
    keys, languages = known["key"].to_pylist(), known["language"].to_pylist()
    for number in range(1, len(keys)):
        if (keys[number], languages[number]) == (keys[number - 1], languages[number - 1]):
            raise PipelineError(f"samples: key {keys[number]} ({languages[number]}) has two sources, tasks or sub-tasks: give it one")
    return known


def _places(table: pa.Table, known: pa.Table) -> Ints:
    """The number of each row's sample."""
    names, of_known = _codes(known["key"])
    rank = {name: number for number, name in enumerate(names)}
    texts, of_text = _codes(table["key"])
    keys = np.array([rank.get(name, -1) for name in texts], dtype=np.int64)[of_text]
    lookup = np.full((len(names) + 1, len(LANGUAGES)), -1, dtype=np.int64)  # the last row answers for keys that are not known
    lookup[of_known, _positions(known["language"], LANGUAGES)] = np.arange(known.num_rows)
    places = lookup[keys, _positions(table["language"], LANGUAGES)]
    _first(table, places < 0, "its sample is not among those expected: was another benchmark judged?")
    return places


def _asked(known: pa.Table) -> Bools:
    reasons = _equals(known["task"], REASONING)
    return np.stack([np.ones_like(reasons) if name in EVERYWHERE else reasons for name in METRICS], axis=1)


def _codes(column: pa.ChunkedArray) -> tuple[list[str], Ints]:
    """The distinct names of a column, sorted, and each row's number among them."""
    encoded = column.combine_chunks().dictionary_encode()
    names = encoded.dictionary.to_pylist()
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    return [names[number] for number in order], rank[encoded.indices.to_numpy()]


def _positions(column: pa.ChunkedArray, allowed: tuple[str, ...]) -> Ints:
    """Each row's position in ``allowed``; -1 for what is not there."""
    names, codes = _codes(column)
    return np.array([allowed.index(name) if name in allowed else -1 for name in names], dtype=np.int64)[codes]


def _equals(column: pa.ChunkedArray, value: str) -> Bools:
    return np.asarray(_positions(column, (value,)) == 0)


def _first(table: pa.Table, wrong: Bools, remedy: str) -> None:
    """Raise ``PipelineError`` that names the first wrong row."""
    if wrong.any():
        number = int(np.argmax(wrong))
        row = table.slice(number, 1).to_pylist()[0]
        named = ", ".join(f"{name} {row[name]}" for name in _IDENTITY)
        raise PipelineError(f"judgements: row {number} ({named}; score {row['score']}, status {row['status']}): {remedy}")
