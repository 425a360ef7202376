"""ImgEdit-Bench's question, basic suite: one a sample, for three scores whose criteria depend on the kind of edit."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, create_model

from unicedit.scoring.imgedit import SCORES
from unicedit.viescore.imgedit_criteria import CRITERIA
from unicedit.viescore.port import Asked, Reply, Told
from unicedit.vlm.template import render

_TEMPLATE = Path(__file__).with_name("imgedit.jinja")
_Score = Annotated[int, Field(ge=1, le=5)]


@functools.cache
def questions(group: str) -> Mapping[str, Asked]:
    """The question about edits of a kind. ``KeyError`` for a kind that the suite does not have."""
    criteria = CRITERIA[group]

    def text(told: Told) -> str:
        return render(_TEMPLATE, kind=group, instruction=told.instruction, criteria=criteria)

    scores: dict[str, tuple[object, object]] = {one.name: (_Score, ...) for one in criteria}
    reply = create_model(f"Imgedit{group.capitalize()}Reply", __base__=Reply, **scores)  # type: ignore[call-overload]
    return {SCORES: Asked(text, reply)}
