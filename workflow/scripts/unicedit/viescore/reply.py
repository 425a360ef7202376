"""What a judge answers to the questions for SC and PQ: both sub-scores by name, so that no list can be too short."""

from typing import Annotated

from pydantic import Field

from unicedit.scoring.schema import HIGHEST
from unicedit.scoring.viescore import PQ, SC
from unicedit.viescore.port import Reply

Subscore = Annotated[float, Field(ge=0, le=HIGHEST)]


class ScReply(Reply):
    """Semantic consistency."""

    instruction_followed: Subscore
    not_overedited: Subscore


class PqReply(Reply):
    """Perceptual quality."""

    naturalness: Subscore
    no_artifacts: Subscore


MODELS: dict[str, type[Reply]] = {SC: ScReply, PQ: PqReply}
