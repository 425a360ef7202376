"""What a judge answers, and how it becomes a score. A reply that does not fit is refused, and never becomes a score by a guess."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, create_model

from unicedit.judge.rubric import HIGHEST, RUBRICS, rounded, score_of
from unicedit.map.stage import Row
from unicedit.vlm.reply import Line, ReplyError, parse

MOST_VIOLATIONS = 40

_Strict = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
Violations = Field(max_length=MOST_VIOLATIONS)


class ExpectReply(BaseModel):
    """What a right edit shows, a sentence each."""

    model_config = _Strict

    expected: Annotated[list[Line], Field(min_length=1, max_length=20)]


@dataclass(frozen=True, slots=True)
class Score:
    """A score from 0 to 10 and why; ``violations`` only of an itemised reply."""

    score: float
    explanation: str
    violations: list[Row] | None


@functools.cache
def reply_model(metric: str, mode: str) -> type[BaseModel]:
    """The model of a reply. The order of the fields is the order of thinking, and constrained decoding keeps it."""
    base = type("_Base", (BaseModel,), {"model_config": _Strict, "__module__": __name__})
    if mode != "itemised":
        score = Annotated[float, Field(ge=0, le=HIGHEST)]
        return create_model(f"{metric}Holistic", __base__=base, reason=(Line, ...), score=(score, ...))
    rubric = RUBRICS[metric]
    kind: Any = Literal[tuple(one.name for one in rubric.kinds)]
    most = max(one.high for one in rubric.kinds)
    violation: Any = create_model(
        f"{metric}Violation", __base__=base, what=(Line, ...), kind=(kind, ...), deduction=(Annotated[float, Field(gt=0, le=most)], ...)
    )
    fields: dict[str, Any] = {"violations": (Annotated[list[violation], Violations], ...)}
    if rubric.zero:
        fields["zero"] = (bool, ...)
    return create_model(f"{metric}Itemised", __base__=base, **fields, reason=(Line, ...))


@functools.cache
def reply_schema(metric: str, mode: str) -> Mapping[str, Any]:
    """The JSON schema of a reply."""
    return reply_model(metric, mode).model_json_schema()


def parse_score(text: str, metric: str, mode: str) -> Score:
    """The score in a reply. Raises ``ReplyError`` for one outside 0 to 10, and for a deduction that the rubric does not have."""
    reply = cast(Any, parse(text, reply_model(metric, mode)))
    if mode != "itemised":
        return Score(rounded(reply.score), reply.reason, None)
    rubric = RUBRICS[metric]
    for one in reply.violations:
        kind = rubric.kind(one.kind)
        if not kind.low <= one.deduction <= kind.high:
            raise ReplyError(f"{one.kind} takes off {kind.takes}, not {one.deduction:g}")
    violations = [{"kind": one.kind, "what": one.what, "deduction": one.deduction} for one in reply.violations]
    zero = bool(rubric.zero) and reply.zero
    return Score(score_of([one["deduction"] for one in violations], zero=zero), reply.reason, violations)
