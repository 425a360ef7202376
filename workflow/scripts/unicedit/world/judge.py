"""The four metrics of a simulated edit, measured from the truth: no judge, but what a judge should find.

With S the source, E the edit, T the target (the edit as it was asked, drawn without a fault) and C the picture of what really was done, without its spoiling;
all differences in grey levels, the largest of the three channels, less what the editor's flicker explains:

- IF: the share of the asked change that is there, 10 (1 - sum |E - T| / sum |S - T|) over the mask where S and T differ.
- NC: 10 / (1 + d / 0.1), d the share of pixels that are neither as in S nor as in T.
- VQ: 10 / (1 + r / 8), r the mean of |E - C|.
- RA: from the scenes' differences, as the rubric subtracts: 3 for each that was asked and is missing, 3 for each that was not asked; 0 where none that was asked is there.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unicedit.benchmark.schema import IF, NC, RA, VQ
from unicedit.judge.port import Question
from unicedit.map.stage import Row, RowError
from unicedit.pictures import decoded
from unicedit.world.apply import apply
from unicedit.world.describe import differences, faults, ordered
from unicedit.world.editor import develop
from unicedit.world.faults import FaultRates
from unicedit.world.grammar import read
from unicedit.world.outcome import Outcome, outcome
from unicedit.world.scene import VERSION

MODEL = f"measured-{VERSION}"
DAMAGED = 0.1  # share of the picture whose damage halves NC
SPOILT = 8.0  # mean grey levels that halve VQ
EXPLAINED = 3.0  # flicker explains so many times its strength

Floats = NDArray[np.float32]


class MeasuredJudge:
    """Measures edits of the simulated editor that has these rates and this flicker (grey levels)."""

    def __init__(self, rates: FaultRates, flicker: float) -> None:
        self.rates = rates
        self.explained = EXPLAINED * flicker
        self._last: tuple[object, dict[str, tuple[float, str]]] = ("", {})

    def judge(self, questions: Sequence[Question]) -> list[Row | RowError]:
        """The score of each question; all metrics of an edit are measured at once. ``ValueError`` for an edit of unknown origin."""
        return [self._row(question) for question in questions]

    def _row(self, question: Question) -> Row:
        if self._last[0] != question.provenance:
            self._last = (question.provenance, self._measured(question))
        score, explanation = self._last[1][question.metric]
        return {"score": round(score, 4), "explanation": explanation, "snapshot": MODEL, "attempt": 1}

    def _measured(self, question: Question) -> dict[str, tuple[float, str]]:
        where = question.provenance
        if where.edit is None:
            raise ValueError(f"{question.key}: the provenance names no edit, so there is no truth about one")
        made = where.edit
        happened = outcome(where, made.instruction_en, made.seed, self.rates)
        before = happened.before
        target = apply(read(made.instruction_en), before)
        source = decoded(question.source)
        pictures = [source, decoded(question.edit)]
        pictures += [
            develop(one, source, where, made.seed)
            for one in (Outcome("", None, before, target, target), replace(happened, smear=None, spoil=""))
        ]
        s, e, t, c = (np.asarray(picture, np.float32) for picture in pictures)
        if e.shape != s.shape:
            raise ValueError(f"{question.key}: the edit is {e.shape}, the source {s.shape}; the simulated editors keep the size")
        asked = self._unexplained(s, t)
        if not asked.any():  # an edit fainter than the flicker
            asked = _apart(s, t)
        mask = asked > 0
        left = self._unexplained(e, t)
        there = 1 - float(left[mask].sum() / asked[mask].sum()) if mask.any() else 0.0
        neither = float((np.minimum(self._unexplained(e, s), left) > 0).mean())
        spoilt = float(self._unexplained(e, c).mean())
        reasoned, why = _reasoned(happened, differences(ordered(before), ordered(target)))
        return {
            IF: (10 * min(1.0, max(0.0, there)), f"{100 * max(0.0, there):.1f}% of the asked change is there"),
            NC: (10 / (1 + neither / DAMAGED), f"{100 * neither:.2f}% of the picture is neither as before nor as asked"),
            VQ: (10 / (1 + spoilt / SPOILT), f"{spoilt:.2f} grey levels from a clean picture of what was done"),
            RA: (reasoned, why),
        }

    def _unexplained(self, one: Floats, other: Floats) -> Floats:
        found: Floats = np.maximum(_apart(one, other) - np.float32(self.explained), 0)
        return found


def _apart(one: Floats, other: Floats) -> Floats:
    found: Floats = np.abs(one - other).max(axis=2)
    return found


def _reasoned(happened: Outcome, wanted: Sequence[str]) -> tuple[float, str]:
    seen = [*differences(ordered(happened.before), ordered(happened.final)), *faults(happened.smear is not None, "")]
    missing, extra = [one for one in wanted if one not in seen], [one for one in seen if one not in wanted]
    if len(missing) == len(wanted):
        return 0.0, "nothing of what was asked is there"
    why = f"{len(wanted) - len(missing)} of {len(wanted)} differences are there, {len(extra)} more than asked"
    return max(0.0, 10.0 - 3 * len(missing) - 3 * len(extra)), why
