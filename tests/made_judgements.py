"""Judgements made for tests: true scores that are known, and rows that fail."""

from collections.abc import Callable, Iterable

import numpy as np
import pyarrow as pa

from unicedit.scoring.schema import JUDGEMENTS, LANGUAGES, METRICS
from unicedit.taxonomy import REASONING

Row = dict[str, object]
Score = Callable[[int, int, int, int, int, int], float | None]  # of model, sub-task, sample, language, metric, repeat


def rows(
    score: Score,
    models: int = 2,
    subtasks: int = 3,
    samples: int = 4,
    languages: Iterable[str] = LANGUAGES,
    repeats: int = 1,
    judge: str = "judge-1",
) -> list[Row]:
    """One row a judgement; the last sub-task is of Reasoning. A score of None is a reply that could not be read."""
    made: list[Row] = []
    for model in range(models):
        for subtask in range(subtasks):
            reasons = subtask == subtasks - 1
            for sample in range(samples):
                for number, language in enumerate(languages):
                    for metric in METRICS if reasons else METRICS[:3]:
                        for repeat in range(repeats):
                            value = score(model, subtask, sample, number, METRICS.index(metric), repeat)
                            made.append(
                                {
                                    "model": f"model-{model:02}",
                                    "judge": judge,
                                    "key": f"key-{subtask:02}-{sample:02}",
                                    "source": f"picture-{subtask:02}-{sample:02}",
                                    "task": REASONING if reasons else "Object Editing",
                                    "subtask": f"subtask-{subtask:02}",
                                    "language": language,
                                    "metric": metric,
                                    "repeat": repeat,
                                    "score": None if value is None else float(value),
                                    "status": "failed" if value is None else "ok",
                                    "reason": "unparsable: no JSON" if value is None else None,
                                }
                            )
    return made


def table(made: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(made, schema=JUDGEMENTS)


def truth(random: np.random.Generator, spread: float = 2.0) -> Score:
    """A simulated judge's scores: each picture has a difficulty that both languages and all repeats share; whole numbers from 0 to 10."""
    of_picture: dict[tuple[int, int], float] = {}
    of_sample: dict[tuple[int, int, int, int], float] = {}

    def score(model: int, subtask: int, sample: int, language: int, metric: int, repeat: int) -> float:
        picture = of_picture.setdefault((subtask, sample), random.normal(0, spread))
        edit = of_sample.setdefault((model, subtask, sample, language), random.normal(0, 1))
        return float(np.clip(np.rint(6 + 0.5 * model + 0.3 * subtask + picture + edit + random.normal(0, 0.7)), 0, 10))

    return score
