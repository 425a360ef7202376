"""The rubrics of the four metrics: what is subtracted for, and how a list of violations becomes a score (paper, section on UnicBench).

The kinds and their deductions are the paper's; their wording is ours.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from unicedit.benchmark.schema import IF, NC, RA, VQ

HIGHEST = 10.0


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of violation: its name in replies, what counts as one, and the least and most that one takes off."""

    name: str
    what: str
    low: float
    high: float

    @property
    def takes(self) -> str:
        """Its deduction in words."""
        return f"{self.low:g}" if self.low == self.high else f"{self.low:g} to {self.high:g}, by how grave it is"


@dataclass(frozen=True, slots=True)
class Rubric:
    """The rubric of a metric. ``zero`` says when the score is 0 whatever else is right; empty: never outright."""

    metric: str
    kinds: tuple[Kind, ...]
    zero: str = ""

    def kind(self, name: str) -> Kind:
        """The kind of that name; ``KeyError`` if there is none."""
        return {kind.name: kind for kind in self.kinds}[name]


def _kind(name: str, what: str, low: float, high: float | None = None) -> Kind:
    return Kind(name, what, low, low if high is None else high)


RUBRICS = {
    IF: Rubric(
        IF,
        (
            _kind("missing_edit", "a change that the instruction asks for is not there", 3),
            _kind("extra_edit", "a further change of content was made that the instruction does not ask for", 3),
            _kind("wrong_target", "the change was made to another object, or at another place, than the instruction says", 2),
            _kind("expression", "a person's expression is not the one asked for", 2, 4),
            _kind("limbs", "a person's pose or limbs are not as asked", 3, 5),
            _kind("number", "the number of people or of things is not the one asked for", 3, 5),
            _kind("unclean_extraction", "an object that was to be cut out is cut through, or bears rests of its surroundings", 3, 5),
            _kind("damaged_target", "the edited object itself is broken or can no longer be recognised", 3),
        ),
        zero="the edit is wholly wrong or has nothing to do with the instruction",
    ),
    NC: Rubric(
        NC,
        (
            _kind("unexpected_content", "something was added or removed, or its number changed, that was to stay as it is", 3),
            _kind("strong_change", "colour, shape or structure of something that was to stay is clearly another", 3),
            _kind("slight_change", "light or texture of something that was to stay is a little different", 2),
            _kind("broken_composition", "the parts no longer fit together, or a person or thing is no longer the same one", 4, 5),
        ),
    ),
    VQ: Rubric(
        VQ,
        (
            _kind("severe_distortion", "something is grossly misshapen or unreadable", 4),
            _kind("mismatch", "blending, colour or light of the parts do not agree with one another", 3),
            _kind("slight_flaw", "a place is a little blurred, or an edge is unclean", 2),
            _kind("incomplete_style", "a style was taken on in part alone", 2, 4),
            _kind("global_tone", "the tone of the whole picture changed without being asked", 2, 3),
            _kind("human_defect", "a face, hand or body is malformed", 4),
            _kind("ambiguity", "it cannot be told what something is meant to be", 2),
        ),
    ),
    RA: Rubric(
        RA,
        (
            _kind("missing_edit", "a change that follows from the instruction is not there", 3),
            _kind("extra_edit", "a change was made that does not follow from the instruction", 3),
            _kind("against_fact", "the result contradicts how the world works, or what the picture shows", 3),
            _kind("missed_point", "one of the listed points is not met", 2),
            _kind("ignored_effect", "the change has an effect on another object that is not shown", 2),
            _kind("duplicated", "what was to move or change is there twice: as before and as after", 2),
            _kind("inaccurate", "amount, place or manner of the change is not the right one", 2),
        ),
        zero="nothing was done, or everything that was done is wrong",
    ),
}


def score_of(deductions: Iterable[float], *, zero: bool = False) -> float:
    """The score of a list of deductions: 10 less their sum, rounded half up, 0 at least; 0 where ``zero`` applies."""
    return 0.0 if zero else rounded(HIGHEST - math.fsum(deductions))


def rounded(score: float) -> float:
    """A score rounded half up and kept within 0 to 10."""
    return min(HIGHEST, max(0.0, float(math.floor(score + 0.5))))
