"""Ask, parse, ask again, give up: the same for every stage that talks to a vision-language model (design section 6)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from unicedit.map.stage import RowError
from unicedit.vlm.port import VlmEngine, VlmReply, VlmRequest
from unicedit.vlm.reply import ReplyError, raw

Parsed = TypeVar("Parsed")


@dataclass(frozen=True, slots=True)
class Answer(Generic[Parsed]):
    """A reply that fits, and what it says."""

    value: Parsed
    reply: VlmReply


def ask(
    engine: VlmEngine, requests: Sequence[VlmRequest], parse: Callable[[VlmRequest, str], Parsed], attempts: int
) -> list[Answer[Parsed] | RowError]:
    """An answer a request, in order. The whole batch goes to the engine at once; what ``parse`` refuses with ``ReplyError`` is asked
    again with the number of the attempt, ``attempts`` times in all, and then becomes a ``RowError`` that keeps the last reply in the
    column ``raw``.

    Raises ``RuntimeError`` when the engine answers another number of requests than it was asked.
    """
    answers: list[Answer[Parsed] | RowError] = [RowError("reply: none")] * len(requests)
    waiting = list(range(len(requests)))
    for attempt in range(attempts):
        asked = [replace(requests[index], attempt=attempt) for index in waiting]
        replies = engine.reply(asked) if asked else []
        if len(replies) != len(asked):
            raise RuntimeError(f"the engine gave {len(replies)} replies to {len(asked)} requests")
        refused: list[int] = []
        for index, request, reply in zip(waiting, asked, replies, strict=True):
            try:
                answers[index] = Answer(parse(request, reply.text), reply)
            except ReplyError as error:
                answers[index] = RowError(f"reply: {error} ({attempts} attempts)", raw=raw(reply.text))
                refused.append(index)
        waiting = refused
    return answers
