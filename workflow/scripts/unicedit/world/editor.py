"""The simulated editor: renders the changed scene, or spoils it as the lot says."""

from collections.abc import Sequence

from PIL import Image

from unicedit.edit.port import EditRequest
from unicedit.provenance import Provenance
from unicedit.world.develop import shown, smeared, spoilt
from unicedit.world.faults import FaultRates
from unicedit.world.look import changed, flickered
from unicedit.world.outcome import Outcome, outcome


class SimulatedEditor:
    """An editor that knows the scene, fails at the rates of ``faults``, and flickers by ``flicker`` grey levels (0: not at all)."""

    def __init__(self, faults: FaultRates, flicker: float) -> None:
        if not 0 <= flicker <= 64:
            raise ValueError(f"flicker is {flicker:g} grey levels: 0 to 64 is allowed")
        self.faults = faults
        self.flicker = flicker

    def edit(self, requests: Sequence[EditRequest]) -> list[Image.Image]:
        """One RGB picture a request, of the request's size, in order."""
        return [self._one(request) for request in requests]

    def _one(self, request: EditRequest) -> Image.Image:
        source = request.image.convert("RGB")
        happened = outcome(request.provenance, request.instruction_en, request.seed, self.faults)
        result = develop(happened, source, request.provenance, request.seed)
        return flickered(result, self.flicker, request.provenance.key, request.instruction_en, request.seed)


def develop(happened: Outcome, source: Image.Image, provenance: Provenance, seed: int) -> Image.Image:
    """The picture of what happened, without flicker. Where the scene's picture does not change, the source's own pixels stay."""
    result = source
    if happened.final != happened.before:
        before = shown(happened.before, provenance, source)
        after = shown(happened.final, provenance, source)
        if after.size != source.size:
            raise ValueError(f"{provenance.source}: the picture is {source.size}, its provenance says {after.size}")
        result = Image.composite(after, source, changed(before, after, more_than=0))
    if happened.smear is not None:
        result = smeared(result, happened.smear)
    return spoilt(result, happened.spoil, provenance.key, seed) if happened.spoil else result
