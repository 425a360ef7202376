"""Which sub-tasks a picture is asked for, so that the accepted rows come out in the target shares (issue 3, item 5).

A sub-task's weight is its target share of the accepted rows divided by its pass rate. A picture is asked for n sub-tasks. Drawing one
after the other without replacement would distort the shares (heavy ones come out too rarely), so they are drawn at once by systematic
sampling with given inclusion probabilities, in an order shuffled by the picture's key: exact. A probability cannot exceed 1: where a
weight asks for more in pictures with many instructions, those with few make up for it; where even that does not suffice,
``Planner.expected`` shows what comes out instead. Alternates, offered in place of impossible sub-tasks, are drawn from the rest so that
they too come out in proportion to the weights, nearly.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unicedit.config.instruct import InstructSettings
from unicedit.errors import PipelineError
from unicedit.files import digest_of
from unicedit.taxonomy import Taxonomy

_ROUNDS = 2000  # of fitting; without capping the first is exact, with capping a few dozen mostly suffice
_EXACT = 1e-9
_LARGEST = 1e6


class PlanError(PipelineError):
    """The settings ask for something no plan can give; the message names the key and what is allowed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one picture is asked for: ``asked`` in the order of their slots, then ``alternates`` in the order they may be used."""

    asked: tuple[str, ...]
    alternates: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many instructions are wanted."""
        return len(self.asked)


@dataclass(frozen=True, slots=True)
class Expectation:
    """A sub-task's share of the accepted rows: the target, and what is expected if the pass rates hold."""

    subtask: str
    target: float
    expected: float
    asked: float  # instructions asked for a picture, on average


class Planner:
    """Plans for pictures. Raises ``PlanError`` where settings name an unknown sub-task or leave too few."""

    def __init__(self, settings: InstructSettings, taxonomy: Taxonomy) -> None:
        names = taxonomy.names
        for key, values in (("shares", settings.shares), ("pass_rates", settings.pass_rates)):
            for name in values:
                if name not in names:
                    raise PlanError(f"config: instruct.{key}.{name}: no such sub-task in {settings.taxonomy}; known: {', '.join(names)}")
        shares = {name: settings.shares.get(name, 1.0) for name in names}
        self.names = [name for name in names if shares[name] > 0]
        self.counts = range(settings.per_image.min, settings.per_image.max + 1)
        if len(self.names) < self.counts[-1]:
            raise PlanError(
                f"config: instruct.per_image.max = {self.counts[-1]}: at most {len(self.names)}, as many sub-tasks have a share above 0"
            )
        total = sum(shares.values())
        self.alternates = settings.alternates
        self.target = {name: shares[name] / total for name in self.names}
        self.pass_rates = {name: settings.pass_rates.get(name, 1.0) for name in self.names}
        self.weights = [self.target[name] / self.pass_rates[name] for name in self.names]
        self.inclusion = _inclusion(self.weights, self.counts)

    def plan(self, key: str) -> Plan:
        """The plan of the picture with that key: always the same for the same settings."""
        lot = random.Random(int(digest_of("plan", key), 16))
        count = lot.choice(self.counts)
        order = list(range(len(self.names)))
        lot.shuffle(order)
        probabilities = self.inclusion[count]
        asked = systematic(order, [probabilities[one] for one in order], count, lot.random())
        lot.shuffle(asked)
        rest = [one for one in order if one not in asked]
        # the rest holds a sub-task with probability 1 - p: dividing by it makes alternates, over all pictures, proportional to the weights
        chances = _capped([self.weights[one] / max(1 - probabilities[one], 0.05) for one in rest], min(self.alternates, len(rest)))
        alternates = systematic(rest, chances, min(self.alternates, len(rest)), lot.random())
        lot.shuffle(alternates)
        return Plan(tuple(self.names[one] for one in asked), tuple(self.names[one] for one in alternates))

    def expected(self) -> list[Expectation]:
        """Target and expected share of each sub-task among the accepted rows, if the pass rates hold and alternates are left aside."""
        asked = _mean(self.inclusion)
        accepted = [rate * self.pass_rates[name] for name, rate in zip(self.names, asked, strict=True)]
        total = sum(accepted)
        return [
            Expectation(name, self.target[name], share / total, rate) for name, share, rate in zip(self.names, accepted, asked, strict=True)
        ]

    def unreachable(self, tolerance: float = 0.01) -> list[Expectation]:
        """The sub-tasks whose expected share falls short of the target by more than ``tolerance`` of it: asked of every picture, and
        still too few.
        """
        return [one for one in self.expected() if one.expected < one.target * (1 - tolerance)]


def systematic(elements: Sequence[int], probabilities: Sequence[float], size: int, start: float) -> list[int]:
    """Systematic sampling: ``size`` of ``elements``, each with its probability (at most 1; their sum is ``size``), from one number in [0,
    1).
    """
    chosen: list[int] = []
    passed = 0.0
    for element, probability in zip(elements, probabilities, strict=True):
        passed += probability
        if len(chosen) < size and passed > start + len(chosen):
            chosen.append(element)
    if len(chosen) < size:  # rounding left the sum a hair under `size`
        chosen.append(next(element for element in reversed(elements) if element not in chosen))
    return chosen


def _inclusion(weights: Sequence[float], counts: Sequence[int]) -> dict[int, list[float]]:
    """For each number of instructions, the probability of each sub-task to be asked, so that the means are in proportion to ``weights``
    if that is possible.
    """
    mean = sum(counts) / len(counts)
    wanted = _capped(weights, mean)
    factors = list(wanted)
    inclusion = {count: _capped(factors, count) for count in counts}
    for _ in range(_ROUNDS):
        ratios = [wish / have for wish, have in zip(wanted, _mean(inclusion), strict=True)]
        if max(abs(ratio - 1) for ratio in ratios) < _EXACT:
            break
        # a factor is bounded: one that nears its wish only at infinity would grow for ever
        factors = [min(factor * ratio, _LARGEST) for factor, ratio in zip(factors, ratios, strict=True)]
        inclusion = {count: _capped(factors, count) for count in counts}
    return inclusion


def _mean(inclusion: Mapping[int, Sequence[float]]) -> list[float]:
    """How often each sub-task is asked of a picture, on average over the numbers of instructions (all equally likely)."""
    return [sum(column) / len(inclusion) for column in zip(*inclusion.values(), strict=True)]


def _capped(factors: Sequence[float], total: float) -> list[float]:
    """Probabilities in proportion to ``factors``, none above 1, with sum ``total`` (at most their number)."""
    capped: set[int] = set()
    while True:
        free = sum(factor for index, factor in enumerate(factors) if index not in capped)
        scale = (total - len(capped)) / free if free else 0.0
        over = {index for index, factor in enumerate(factors) if index not in capped and factor * scale > 1}
        if not over:
            return [1.0 if index in capped else factor * scale for index, factor in enumerate(factors)]
        capped |= over
