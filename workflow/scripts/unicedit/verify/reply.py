"""What a verifier that reads pictures answers: the paper's chain of thought, ending in verdict and restated instruction (paper section on
post-verification).
"""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from unicedit.vlm.reply import Line, ReplyError, chinese, clean, english, parse


def _caption(text: str) -> str:
    cleaned = clean(text)
    if not 1 <= len(cleaned) <= 5000:
        raise ValueError(f"{len(cleaned)} characters, 1 to 5000 are allowed")
    return cleaned


class VerifyReply(BaseModel):
    """The reply. The order of the fields is the order of thinking, and constrained decoding keeps it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source_caption: Annotated[str, AfterValidator(_caption)]
    edit_caption: Annotated[str, AfterValidator(_caption)]
    differences: Annotated[list[Line], Field(max_length=100)]
    is_changed: bool
    instruction_en: Line
    instruction_cn: Line


class ShortReply(BaseModel):
    """The reply without captions, for cheap runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    differences: Annotated[list[Line], Field(max_length=100)]
    is_changed: bool
    instruction_en: Line
    instruction_cn: Line


Reply = TypeVar("Reply", VerifyReply, ShortReply)


def parse_reply(text: str, model: type[Reply] = VerifyReply) -> Reply:  # type: ignore[assignment]
    """The reply in a text. Raises ``ReplyError``, also where an edit is called valid and not restated."""
    reply = parse(text, model)
    if reply.is_changed and not english(reply.instruction_en):
        raise ReplyError("is_changed is true, and instruction_en holds no English instruction")
    if reply.is_changed and not chinese(reply.instruction_cn):
        raise ReplyError("is_changed is true, and instruction_cn holds no Chinese instruction")
    return reply
