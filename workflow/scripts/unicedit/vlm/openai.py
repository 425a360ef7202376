"""Any server that speaks OpenAI's chat completions: vLLM, SGLang, the public API (design section 6)."""

import asyncio
import gc
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import openai
from pydantic import ValidationError

from unicedit.config.openai import OpenAiSettings
from unicedit.map.compute import EngineError
from unicedit.vlm.answer import ChatAnswer
from unicedit.vlm.cache import ReplyCache
from unicedit.vlm.calls import BrokenReplyError, Calls, each
from unicedit.vlm.chat import spliced
from unicedit.vlm.completion import REFUSALS, answers_as, body_of, identity_of, reply_of
from unicedit.vlm.failures import Failures
from unicedit.vlm.http import NO_KEY, ChatServer
from unicedit.vlm.ledger import Ledger
from unicedit.vlm.loop import LoopThread
from unicedit.vlm.port import Arrived, VlmEngine, VlmReply, VlmRequest, unheard


class OpenAiEngine(VlmEngine):
    """Asks a server, many requests at once, which any number of threads may give it.

    A request that the server refuses, or that fails ``tries`` times, is a reply with a ``failure``.

    Raises ``EngineError`` where no request can succeed: no key, a wrong key, an unknown model, another model's replies, a server that does not answer,
    a spent budget. Replies that came before have been told to ``arrived`` by then.
    """

    def __init__(self, settings: OpenAiSettings, cache: Path | None, usage: Path | None) -> None:
        self.settings = settings
        self.model = str(settings.model)
        self.identity = identity_of(settings)
        self.ledger = Ledger(usage, settings.price, settings.budget)
        self.cache = ReplyCache(cache, self.ledger.found) if cache else None
        self._calls = Calls(settings, self.ledger)
        self._failures = Failures(self.model, settings.key_variable, settings.tries, REFUSALS.__contains__)
        key = os.environ.get(settings.key_variable, "").strip()
        if not key and settings.base_url is None and "OPENAI_BASE_URL" not in os.environ:
            raise EngineError(
                f"the environment variable {settings.key_variable} holds no key; set it where the job runs, or name another in key_variable"
            )
        # what is loaded by now stays: the collector would stop all requests to look through it again, a sixth of a second at a time
        gc.collect()
        gc.freeze()
        self._room = asyncio.Semaphore(settings.concurrency)  # shared by all callers
        self._loop = LoopThread(self)
        self._server = self._loop.run(self._opened(key or NO_KEY))
        self._loop.at_end(self._server.close)

    async def _opened(self, key: str) -> ChatServer:
        return ChatServer(self.settings.base_url, key, 2 * self.settings.concurrency)

    def reply(self, requests: Sequence[VlmRequest], arrived: Arrived = unheard) -> list[VlmReply]:
        """A reply to each request, in order."""
        return self.reply_taking(requests, arrived)

    def reply_taking(self, requests: Iterable[VlmRequest], arrived: Arrived = unheard) -> list[VlmReply]:
        """A reply to each request, in order; a request is taken when there is room for it among those in flight."""
        try:
            return self._loop.run(self._all(requests, arrived))
        finally:
            self.ledger.write(force=True)

    async def _all(self, requests: Iterable[VlmRequest], arrived: Arrived) -> list[VlmReply]:
        replies: dict[int, VlmReply] = {}

        async def one(number: int, request: VlmRequest) -> None:
            replies[number] = reply = await self._one(request)
            arrived(number, reply)

        await each(requests, self._room, one)
        return [replies[number] for number in sorted(replies)]

    async def _one(self, request: VlmRequest) -> VlmReply:
        start = time.monotonic()

        async def call() -> ChatAnswer:
            await self._server.turn()
            content = spliced(lambda url: body_of(self.settings, request, url), self.settings.pictures)
            return _read(await self._server.post(content))

        try:
            answer = await self._calls.made(call)
        except (openai.APIError, BrokenReplyError, TimeoutError, ValueError) as error:
            return VlmReply("", self.model, latency=time.monotonic() - start, failure=self._failures.reason(error))
        return self._reply(answer, time.monotonic() - start)

    def _reply(self, answer: ChatAnswer, seconds: float) -> VlmReply:
        self._failures.answered()
        reply = reply_of(answer, seconds)
        counts = reply.usage
        self.ledger.answered(counts.get("in", 0), counts.get("cached", 0), counts.get("out", 0))
        if counts:
            self._calls.mean_tokens += 0.05 * (counts["in"] + counts["out"] - self._calls.mean_tokens)
        if not answers_as(self.settings, answer.model):
            raise EngineError(
                f"asked for the model {self.model}, the server answers as {answer.model}; if that is right, set answers_as: {answer.model}"
            )
        return reply


def _read(content: bytes) -> ChatAnswer:
    """The answer, where it is one."""
    try:
        return ChatAnswer.model_validate_json(content)
    except ValidationError:
        raise BrokenReplyError(f"no chat completion: {content[:200].decode('utf-8', 'replace')}") from None
