"""The simulated writer of mistaken instructions: names another value or operation for the same target."""

import json
from collections.abc import Sequence

from unicedit.vlm.port import Arrived, VlmEngine, VlmReply, VlmRequest, unheard
from unicedit.world.apply import apply
from unicedit.world.chance import chance
from unicedit.world.describe import differences
from unicedit.world.grammar import read, say
from unicedit.world.outcome import mistaken, scene_behind
from unicedit.world.scene import VERSION
from unicedit.world.truth import wording_of
from unicedit.world.words import CN, EN

MODEL = f"simulated-hallucinator-{VERSION}"


class SimulatedHallucinator(VlmEngine):
    """A vision-language engine that answers the question for a mistaken instruction from the scene."""

    def reply(self, requests: Sequence[VlmRequest], arrived: Arrived = unheard) -> list[VlmReply]:
        """One reply a request, in order. ``ValueError`` for a request without provenance, or whose true instruction is none of the world's."""
        return [VlmReply(self._text(request), MODEL) for request in requests]

    def _text(self, request: VlmRequest) -> str:
        if request.provenance is None:
            raise ValueError(f"{request.key}: no provenance")
        true = str(request.details["true_en"])
        scene = scene_behind(request.provenance)
        other = mistaken(read(true), scene, chance("hallucinate", request.key, true, request.attempt))
        wording = wording_of(true)
        said = {"en": say(other, EN, wording), "cn": say(other, CN, wording), "differences": differences(scene, apply(other, scene))}
        return json.dumps(said, ensure_ascii=False)
