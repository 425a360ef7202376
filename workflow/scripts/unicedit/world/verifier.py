"""The simulated verifier: knows the truth, and errs at known rates."""

import json
from collections.abc import Mapping, Sequence

from unicedit.provenance import Provenance
from unicedit.vlm.port import Arrived, VlmEngine, VlmReply, VlmRequest, unheard
from unicedit.world.apply import Impossible
from unicedit.world.chance import chance
from unicedit.world.describe import caption, differences, faults
from unicedit.world.faults import FaultRates
from unicedit.world.grammar import say
from unicedit.world.outcome import Outcome, mistaken, outcome
from unicedit.world.scene import VERSION
from unicedit.world.truth import true_texts, wording_of
from unicedit.world.words import CN, EN

MODEL = f"simulated-verifier-{VERSION}"


class SimulatedVerifier(VlmEngine):
    """A vision-language engine that answers verify's questions from the truth.

    ``miss``: share of failed edits it lets pass; ``false_alarm``: share of valid edits it drops; ``misstate``: share of the valid edits it
    keeps that it restates wrongly; ``faults_of`` and ``flicker_of`` say for each editor's name how that editor was set.
    """

    def __init__(
        self, miss: float, false_alarm: float, misstate: float, faults_of: Mapping[str, FaultRates], flicker_of: Mapping[str, float]
    ) -> None:
        for name, rate in (("miss", miss), ("false_alarm", false_alarm), ("misstate", misstate)):
            if not 0 <= rate <= 1:
                raise ValueError(f"{name} is {rate:g}: 0 to 1 is allowed")
        self.miss, self.false_alarm, self.misstate = miss, false_alarm, misstate
        self.faults_of, self.flicker_of = dict(faults_of), dict(flicker_of)

    def reply(self, requests: Sequence[VlmRequest], arrived: Arrived = unheard) -> list[VlmReply]:
        """One reply a request, in order. ``ValueError`` for a request whose provenance names no edit of an editor it knows."""
        return [VlmReply(self._text(request), MODEL) for request in requests]

    def _text(self, request: VlmRequest) -> str:
        provenance = request.provenance
        made = provenance.edit if provenance else None
        if provenance is None or made is None or made.editor not in self.faults_of:
            known = ", ".join(sorted(self.faults_of)) or "none"
            raise ValueError(f"{request.key}: the simulated verifier judges only edits of the simulated editors it was told of ({known})")
        happened = outcome(provenance, made.instruction_en, made.seed, self.faults_of[made.editor])
        lot = chance("verifier", provenance.key, made.instruction_en, made.seed)
        passes = lot.random() >= self.false_alarm if happened.valid else lot.random() < self.miss
        english, chinese = self._restated(happened, request, provenance, lot.random() < self.misstate) if passes else ("", "")
        answer = {
            "source_caption": caption(happened.before),
            "edit_caption": caption(happened.final),
            "differences": _seen(happened, self.flicker_of.get(made.editor, 0.0)),
            "is_changed": passes,
            "instruction_en": english,
            "instruction_cn": chinese,
        }
        return json.dumps(answer, ensure_ascii=False)

    def _restated(self, happened: Outcome, request: VlmRequest, provenance: Provenance, wrongly: bool) -> tuple[str, str]:
        asked_en, asked_cn = str(request.details.get("instruction_en", "")), str(request.details.get("instruction_cn", ""))
        if not happened.valid or happened.edit is None:
            return asked_en, asked_cn
        if wrongly:
            try:
                other = mistaken(happened.edit, happened.before, chance("misstate", provenance.key, asked_en))
            except Impossible:
                return asked_en, asked_cn
            return say(other, EN, wording_of(asked_en)), say(other, CN, wording_of(asked_en))
        english, chinese = true_texts(happened, asked_en)
        return english or asked_en, chinese or asked_cn


def _seen(happened: Outcome, flicker: float) -> list[str]:
    seen = differences(happened.before, happened.final)
    seen += faults(happened.smear is not None, happened.spoil)
    if not seen and flicker > 0:
        return ["No difference but faint noise."]
    return seen
