"""What an instruction writer answers: JSON, checked against the plan it was asked for."""

import re
import unicodedata
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from unicedit.instruct.plan import Plan
from unicedit.taxonomy import Taxonomy
from unicedit.vlm.reply import Line, ReplyError, chinese, english, parse

_NOT_WORDS = re.compile(r"[\W_]+")


class Entry(BaseModel):
    """One instruction, or the statement that there can be none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subtask: Line
    possible: bool
    needs: Line
    en: Line
    cn: Line
    reasoning_points: Annotated[list[Line], Field(max_length=10)]


class InstructReply(BaseModel):
    """The whole reply: an entry a sub-task asked for, then those of alternates."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    instructions: Annotated[list[Entry], Field(min_length=1, max_length=40)]


def reply_schema(plan: Plan) -> dict[str, Any]:
    """The JSON schema of the reply to a plan; only its sub-tasks are allowed."""
    schema = InstructReply.model_json_schema()
    schema["$defs"]["Entry"]["properties"]["subtask"]["enum"] = [*plan.asked, *plan.alternates]
    return schema


def parse_reply(text: str, plan: Plan, taxonomy: Taxonomy) -> dict[str, Entry]:
    """The entries by sub-task. Raises ``ReplyError`` for what does not fit the schema or the plan."""
    entries: dict[str, Entry] = {}
    for entry in parse(text, InstructReply).instructions:
        if entry.subtask not in (*plan.asked, *plan.alternates):
            raise ReplyError(f"sub-task {entry.subtask[:60]!r} was not asked for")
        if entry.subtask in entries:
            raise ReplyError(f"sub-task {entry.subtask!r} is there twice")
        if entry.possible and not english(entry.en):
            raise ReplyError(f"{entry.subtask}: no English instruction")
        if entry.possible and not chinese(entry.cn):
            raise ReplyError(f"{entry.subtask}: no Chinese instruction")
        if entry.possible and taxonomy.reasons(entry.subtask) and not any(entry.reasoning_points):
            raise ReplyError(f"{entry.subtask}: no reasoning points")
        entries[entry.subtask] = entry
    return entries


def normalised(text: str) -> str:
    """An instruction without case, width, punctuation and spaces: what two wordings of the same have in common."""
    return _NOT_WORDS.sub("", unicodedata.normalize("NFKC", text).casefold())
