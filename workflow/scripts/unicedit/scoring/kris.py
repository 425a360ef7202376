"""KRIS-Bench: visual consistency (VC), visual quality (VQ), instruction following (IF) and, in some groups, knowledge plausibility (KP), each 1 to 5.

Printed from 0 to 100, as (score - 1) x 25; an edit's average is the mean of the metrics that its group has (config/benchmarks/kris.yaml says where this is from).
"""

from collections.abc import Mapping, Sequence
from statistics import fmean

VC, VQ, IF, KP = "VC", "VQ", "IF", "KP"
AVERAGE = "Average"
METRICS = (VC, VQ, IF, KP, AVERAGE)
LOWEST = 0.0
# the groups with knowledge plausibility: natural science, social science, logical reasoning
KNOWLEDGE = frozenset(
    (
        *("biology", "chemistry", "geography", "mathematics", "medicine", "physics"),
        *("humanities", "practical_knowledge", "abstract_reasoning", "rule-based_reasoning"),
    )
)


def owed(group: str) -> tuple[str, ...]:
    """The metrics that edits of a group have."""
    return METRICS if group in KNOWLEDGE else tuple(metric for metric in METRICS if metric != KP)


def normalised(score: float) -> float:
    """A score from 1 to 5 as it is printed, 0 to 100."""
    return (score - 1) * 25


def values(given: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The metrics of one edit from its scores by question; the question for IF gives KP too where the group has it. No average where a metric is missing."""
    found = {metric: normalised(scores[0]) for metric, scores in given.items()}
    if len(given.get(IF, ())) > 1:
        found[KP] = normalised(given[IF][1])
    if all(metric in found for metric in (VC, VQ, IF)):
        found[AVERAGE] = fmean(found.values())
    return found
