"""Ask, parse, ask again, give up: the same for every stage that talks to a vision-language model (design section 6)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from unicedit.map.stage import RowError
from unicedit.vlm.port import Refused, VlmEngine, VlmReply, VlmRequest
from unicedit.vlm.reply import ReplyError, raw

Parsed = TypeVar("Parsed")
Parse = Callable[[VlmRequest, str], Parsed]


@dataclass(frozen=True, slots=True)
class Answer(Generic[Parsed]):
    """A reply that fits, what it says, and how many askings it took."""

    value: Parsed
    reply: VlmReply
    attempt: int = 1


def ask(engine: VlmEngine, requests: Sequence[VlmRequest], parse: Parse[Parsed], attempts: int) -> list[Answer[Parsed] | RowError]:
    """An answer a request, in order. The whole batch goes to the engine at once; what ``parse`` refuses with ``ReplyError`` is asked
    again with the reply and what is wrong with it, ``attempts`` times in all, and then becomes a ``RowError`` that keeps the last reply in the
    column ``raw``. A reply that fits goes into the engine's cache as it comes, and is not asked for again.

    Raises ``RuntimeError`` when the engine answers another number of requests than it was asked.
    """
    answers: dict[int, Answer[Parsed] | RowError] = {}
    waiting: Mapping[int, VlmRequest] = dict(enumerate(requests))
    for _ in range(attempts):
        waiting = _asked_once(engine, waiting, parse, attempts, answers)
    engine.settled()
    return [answers[number] for number in range(len(requests))]


def _asked_once(
    engine: VlmEngine, waiting: Mapping[int, VlmRequest], parse: Parse[Parsed], attempts: int, answers: dict[int, Answer[Parsed] | RowError]
) -> dict[int, VlmRequest]:
    """Ask every request once, unless its reply is known; returns what to ask again."""
    asked = _unknown(engine, waiting, parse, answers)
    places = list(asked)
    heard: set[int] = set()
    again: dict[int, VlmRequest] = {}

    def arrived(number: int, reply: VlmReply) -> None:
        place = places[number]
        if place in heard:
            return
        heard.add(place)
        if reply.failure:
            answers[place] = RowError(reply.failure, raw=raw(reply.text))
            return
        try:
            if not reply.complete:
                raise ReplyError("cut off at the limit of tokens")
            answers[place] = Answer(parse(asked[place], reply.text), reply, asked[place].attempt + 1)
        except ReplyError as error:
            answers[place] = RowError(f"reply: {error} ({attempts} attempts)", raw=raw(reply.text))
            again[place] = replace(asked[place], attempt=asked[place].attempt + 1, refused=Refused(raw(reply.text), str(error)))
            return
        if engine.cache is not None:
            engine.cache.put(engine.identity, asked[place], reply)

    replies = engine.reply(list(asked.values()), arrived) if asked else []
    if len(replies) != len(asked):
        raise RuntimeError(f"the engine gave {len(replies)} replies to {len(asked)} requests")
    for number, reply in enumerate(replies):
        arrived(number, reply)
    return dict(sorted(again.items()))


def _unknown(
    engine: VlmEngine, waiting: Mapping[int, VlmRequest], parse: Parse[Parsed], answers: dict[int, Answer[Parsed] | RowError]
) -> dict[int, VlmRequest]:
    """The requests whose reply is in no cache; the others are answered."""
    if engine.cache is None:
        return dict(waiting)
    left = {}
    for place, request in waiting.items():
        known = engine.cache.get(engine.identity, request)
        try:
            if known is not None:
                answers[place] = Answer(parse(request, known.text), known, request.attempt + 1)
                continue
        except ReplyError:
            pass  # it fitted an earlier form of the reply
        left[place] = request
    engine.cache.account()
    return left
