"""Everything that a table of judgements says, in one call."""

from dataclasses import dataclass

import pyarrow as pa

from unicedit.scoring.aggregate import Mean, aggregate, ranking_warnings
from unicedit.scoring.agreement import Agreement, agreement
from unicedit.scoring.cube import cube_of
from unicedit.scoring.failures import Failure, failures
from unicedit.scoring.neighbours import Neighbours, neighbours
from unicedit.scoring.repeats import RepeatSpread, repeat_spread
from unicedit.scoring.resample import draws_of
from unicedit.scoring.values import values_of


@dataclass(frozen=True, slots=True)
class Statistics:
    """Means, comparisons of neighbours, spread over repeats, agreement of judges, failures by kind, and sentences the reader must not miss."""

    means: list[Mean]
    neighbours: list[Neighbours]
    repeats: list[RepeatSpread]
    agreement: list[Agreement]
    failures: list[Failure]
    warnings: list[str]


def statistics(
    judgements: pa.Table, samples: pa.Table | None, repeats: int | None, resamples: int, seed: int, confidence: float
) -> Statistics:
    """The statistics of judgements (``JUDGEMENTS``); ``samples`` and ``repeats`` are what was expected, as ``cube_of`` has it.

    Equal rows, in any order, give equal results for the same number of resamples and seed.
    """
    cube = cube_of(judgements, samples, repeats)
    values, draws = values_of(cube), draws_of(cube, resamples, seed)
    means = aggregate(cube, values, draws, confidence)
    compared = neighbours(cube, values, means, draws, seed, confidence)
    agreed = agreement(cube, values, draws, confidence)
    return Statistics(means, compared, repeat_spread(cube), agreed, failures(judgements), ranking_warnings(means))
