"""How much a judge's scores vary from run to run."""

from dataclasses import dataclass

import numpy as np

from unicedit.scoring.aggregate import judged_in
from unicedit.scoring.cube import Cube, Floats
from unicedit.scoring.schema import METRICS, OVERALL
from unicedit.scoring.values import overall


@dataclass(frozen=True, slots=True)
class RepeatSpread:
    """Standard deviations over ``repeats`` runs, in points, of the ``n`` of ``expected`` samples that every run scored.

    ``sample_sd``: of one sample's score, pooled over samples; ``run_sd``: of the mean that a run gives.
    """

    judge: str
    model: str
    language: str
    metric: str
    repeats: int
    sample_sd: float
    run_sd: float
    n: int
    expected: int


def repeat_spread(cube: Cube) -> list[RepeatSpread]:
    """The spread of every judge, model, language and metric; empty where judgements were not repeated, without a line where no sample was scored by every run."""
    repeats = cube.scores.shape[-1]
    if repeats < 2:
        return []
    found = []
    for language in cube.languages:
        (members,) = np.nonzero(cube.language == language)
        for judge, model in judged_in(cube, members):
            scores = cube.scores[judge, model, members]
            asked = cube.asked[members]
            columns = [(name, scores[asked[:, number], number]) for number, name in enumerate(METRICS)]
            for name, runs in [*columns, (OVERALL, overall(scores, asked))]:
                whole = runs[np.isfinite(runs).all(axis=1)]
                if len(whole):
                    names = (cube.judges[judge], cube.models[model], language, name)
                    found.append(RepeatSpread(*names, repeats, *_deviations(whole), len(whole), len(runs)))
    return found


def _deviations(runs: Floats) -> tuple[float, float]:
    """Of a sample's score and of the runs' means; ``runs`` is (samples, repeats) without gaps."""
    return float(np.sqrt(runs.var(axis=1, ddof=1).mean())), float(runs.mean(axis=0).std(ddof=1))
