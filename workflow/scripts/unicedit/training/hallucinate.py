"""Mistaken instructions for good edits, written by a language model: right target, wrong action or attribute (paper section on Qwen-Verify)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from unicedit.config.samples import RunSampleSettings
from unicedit.instruct.reply import normalised
from unicedit.map.stage import RowError
from unicedit.provenance import Provenance
from unicedit.training.kinds import Told
from unicedit.vlm.ask import Answer, ask
from unicedit.vlm.port import VlmEngine, VlmRequest
from unicedit.vlm.reply import Line, ReplyError, chinese, english, parse
from unicedit.vlm.template import render

_TEMPLATE = Path(__file__).with_name("hallucinate.jinja")


class HallucinationReply(BaseModel):
    """The reply: the mistaken instruction, and the differences that it claims."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    en: Line
    cn: Line
    differences: Annotated[list[Line], Field(max_length=20)]


@dataclass(frozen=True, slots=True)
class GoodEdit:
    """A good edit: both pictures (encoded) and what really changed. Only the simulated world reads ``provenance``."""

    key: str
    source: bytes
    edit: bytes
    true: Told
    provenance: Provenance


def open_writer(settings: RunSampleSettings) -> VlmEngine:
    """The engine behind ``samples.run.engine``. What it needs is imported here and nowhere else."""
    from unicedit.world.hallucinator import SimulatedHallucinator

    return SimulatedHallucinator()


def hallucinate(engine: VlmEngine, edits: Sequence[GoodEdit], attempts: int) -> list[tuple[Told, str] | RowError]:
    """A mistaken instruction an edit and the model that wrote it, in order; ``RowError`` where no reply fitted."""
    requests = [_request(edit) for edit in edits]
    trues = {edit.key: edit.true for edit in edits}
    answers = ask(engine, requests, lambda request, text: parse_reply(text, trues[request.key]), attempts)
    return [(answer.value, answer.reply.model) if isinstance(answer, Answer) else RowError(str(answer)) for answer in answers]


def parse_reply(text: str, true: Told) -> Told:
    """The mistaken instruction in a reply. Raises ``ReplyError`` where it is none, or says what is true."""
    reply = parse(text, HallucinationReply)
    if not english(reply.en):
        raise ReplyError("en holds no English instruction")
    if not chinese(reply.cn):
        raise ReplyError("cn holds no Chinese instruction")
    if normalised(reply.en) == normalised(true.en) or normalised(reply.cn) == normalised(true.cn):
        raise ReplyError("the instruction is the true one")
    return Told(reply.en, reply.cn, tuple(one for one in reply.differences if one))


def _request(edit: GoodEdit) -> VlmRequest:
    details = {"true_en": edit.true.en, "true_cn": edit.true.cn, "differences": list(edit.true.differences)}
    schema = HallucinationReply.model_json_schema()
    return VlmRequest(edit.key, render(_TEMPLATE, **details), (edit.source, edit.edit), schema, details=details, provenance=edit.provenance)
