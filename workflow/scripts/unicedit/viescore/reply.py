"""What a judge answers to the questions for SC and PQ: both sub-scores by name, so that no list can be too short."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from unicedit.scoring.schema import HIGHEST
from unicedit.scoring.viescore import PQ, SC
from unicedit.vlm.reply import Line, parse

Subscore = Annotated[float, Field(ge=0, le=HIGHEST)]


class Reply(BaseModel):
    """Why, and then the sub-scores in the order of the fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    reason: Line

    @property
    def scores(self) -> list[float]:
        """The sub-scores."""
        return [float(getattr(self, name)) for name in type(self).model_fields if name != "reason"]


class ScReply(Reply):
    """Semantic consistency."""

    instruction_followed: Subscore
    not_overedited: Subscore


class PqReply(Reply):
    """Perceptual quality."""

    naturalness: Subscore
    no_artifacts: Subscore


MODELS: dict[str, type[Reply]] = {SC: ScReply, PQ: PqReply}


def parse_reply(text: str, metric: str) -> Reply:
    """The reply. Raises ``ReplyError`` for what does not fit."""
    return parse(text, MODELS[metric])
