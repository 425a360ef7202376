"""ImgEdit-Bench, basic suite: three scores of an edit, 1 to 5, and their mean (step1_get_avgscore.py; config/benchmarks/imgedit.yaml says where).

The first is how far the instruction was followed; what the second and third are depends on the kind of edit (unicedit/viescore/imgedit.py). The published script
rounds each edit's mean to two decimals before it goes on; here nothing is rounded.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean

SCORES = "Scores"  # the question, which asks for all three
AVERAGE = "Average"
METRICS = ("First", "Second", "Third", AVERAGE)
LOWEST = 1.0


def values(given: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The metrics of one edit from its scores by question; empty where the question has no answer."""
    scores = given.get(SCORES)
    return dict(zip(METRICS, (*scores, fmean(scores)), strict=True)) if scores else {}
