"""Ask, parse, ask again, give up: the same for every stage that talks to a vision-language model (design section 6)."""

import inspect
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Generic, TypeVar

from unicedit.map.stage import RowError
from unicedit.vlm.cache import keys_of
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
        if waiting:
            waiting = _asked_once(engine, waiting, parse, attempts, answers)
    engine.settled()
    return [answers[number] for number in range(len(requests))]


def _asked_once(
    engine: VlmEngine, waiting: Mapping[int, VlmRequest], parse: Parse[Parsed], attempts: int, answers: dict[int, Answer[Parsed] | RowError]
) -> dict[int, VlmRequest]:
    """Ask every request once, unless its reply is known; returns what to ask again."""
    places: list[int] = []  # of what the engine took
    keys: dict[int, str] = {}
    heard: set[int] = set()
    again: dict[int, VlmRequest] = {}

    def unknown() -> Generator[VlmRequest, None, None]:
        """The requests whose reply is in no cache; the others are answered. Looked up as the engine takes them: it need not wait for all."""
        known_keys = keys_of(engine.identity, waiting.values()) if engine.cache is not None else repeat("")
        for (place, request), key in zip(waiting.items(), known_keys, strict=False):
            known = engine.cache.get(key) if engine.cache is not None else None
            try:
                if known is not None:
                    answers[place] = Answer(parse(request, known.text), known, request.attempt + 1)
                    continue
            except ReplyError:
                pass  # it fitted an earlier form of the reply
            keys[place] = key
            places.append(place)
            yield request

    def arrived(number: int, reply: VlmReply) -> None:
        place = places[number]
        if place in heard:
            return
        heard.add(place)
        request = waiting[place]
        if reply.failure:
            answers[place] = RowError(reply.failure, raw=raw(reply.text))
            return
        try:
            if not reply.complete:
                raise ReplyError("cut off at the limit of tokens")
            answers[place] = Answer(parse(request, reply.text), reply, request.attempt + 1)
        except ReplyError as error:
            answers[place] = RowError(f"reply: {error} ({attempts} attempts)", raw=raw(reply.text))
            again[place] = replace(request, attempt=request.attempt + 1, refused=Refused(raw(reply.text), str(error)))
            return
        if engine.cache is not None:
            engine.cache.put(keys[place], reply)

    requests = unknown()
    try:
        replies = engine.reply_taking(requests, arrived)
    finally:
        if inspect.getgeneratorstate(requests) != inspect.GEN_RUNNING:  # an engine that a signal interrupts may be taking one
            requests.close()
        if engine.cache is not None:
            engine.cache.account()
    if len(replies) != len(places):
        raise RuntimeError(f"the engine gave {len(replies)} replies to {len(places)} requests")
    for number, reply in enumerate(replies):
        arrived(number, reply)
    return dict(sorted(again.items()))
