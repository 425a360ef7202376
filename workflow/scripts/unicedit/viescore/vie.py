"""VIEScore's questions: SC of source and edit, PQ of the edit alone, whatever group an edit is in."""

from collections.abc import Mapping

from unicedit.scoring.viescore import PQ, SC
from unicedit.viescore.port import Asked, Told
from unicedit.viescore.prompt import prompt
from unicedit.viescore.reply import MODELS


def _sc(told: Told) -> str:
    return prompt(SC, told.instruction)


def _pq(told: Told) -> str:
    return prompt(PQ, told.instruction)


def questions(group: str) -> Mapping[str, Asked]:
    """The two questions."""
    return {SC: Asked(_sc, MODELS[SC]), PQ: Asked(_pq, MODELS[PQ], source=False)}
