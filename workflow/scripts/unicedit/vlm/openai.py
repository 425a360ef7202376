"""Any server that speaks OpenAI's chat completions: vLLM, SGLang, the public API (design section 6)."""

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import openai
from openai.types.chat import ChatCompletion

from unicedit.config.openai import OpenAiSettings
from unicedit.files import digest_of
from unicedit.map.compute import EngineError
from unicedit.vlm.cache import ReplyCache
from unicedit.vlm.calls import BrokenReplyError, Calls, each
from unicedit.vlm.chat import AGAIN_TEMPERATURE, messages
from unicedit.vlm.failures import Failures
from unicedit.vlm.ledger import Ledger
from unicedit.vlm.port import REPEAT_SEEDS, Arrived, VlmEngine, VlmReply, VlmRequest, unheard

_REFUSALS = frozenset({"content_filter", "content_policy_violation"})


class OpenAiEngine(VlmEngine):
    """Asks a server, many requests at once. A request that the server refuses, or that fails ``tries`` times, is a reply with a ``failure``.

    Raises ``EngineError`` where no request can succeed: no key, a wrong key, an unknown model, another model's replies, a server that does not answer,
    a spent budget. Replies that came before have been told to ``arrived`` by then.
    """

    def __init__(self, settings: OpenAiSettings, cache: Path | None, usage: Path | None) -> None:
        self.settings = settings
        self.model = str(settings.model)
        self.identity = digest_of("openai", settings.deciding())
        self.ledger = Ledger(usage, settings.price, settings.budget)
        self.cache = ReplyCache(cache, self.ledger.found) if cache else None
        self._calls = Calls(settings, self.ledger)
        self._failures = Failures(self.model, settings.key_variable, settings.tries, _REFUSALS.__contains__)
        key = os.environ.get(settings.key_variable, "").strip()
        if not key and settings.base_url is None and "OPENAI_BASE_URL" not in os.environ:
            raise EngineError(
                f"the environment variable {settings.key_variable} holds no key; set it where the job runs, or name another in key_variable"
            )
        # the connections belong to one event loop, which lives as long as the engine
        self._runner = asyncio.Runner()
        self._client = self._runner.run(self._opened(key or "none"))

    async def _opened(self, key: str) -> openai.AsyncOpenAI:
        limits = openai.DefaultAsyncHttpxClient(limits=_limits(self.settings.concurrency), timeout=self.settings.timeout, trust_env=True)
        return openai.AsyncOpenAI(
            api_key=key, base_url=self.settings.base_url, max_retries=0, timeout=self.settings.timeout, http_client=limits
        )

    def reply(self, requests: Sequence[VlmRequest], arrived: Arrived = unheard) -> list[VlmReply]:
        """A reply to each request, in order."""
        try:
            return self._runner.run(self._all(requests, arrived))
        finally:
            self.ledger.write(force=True)

    async def _all(self, requests: Sequence[VlmRequest], arrived: Arrived) -> list[VlmReply]:
        replies: dict[int, VlmReply] = {}

        async def one(number: int) -> None:
            replies[number] = reply = await self._one(requests[number])
            arrived(number, reply)

        await each(len(requests), self.settings.concurrency, one)
        return [replies[number] for number in range(len(requests))]

    async def _one(self, request: VlmRequest) -> VlmReply:
        start = time.monotonic()
        body = self.body(request)
        # not `chat.completions.create`: it walks through the whole body, schema and all, to rename what needs no renaming, which takes longer than the sending
        whole = {**{name: value for name, value in body.items() if name != "extra_body"}, **body.get("extra_body", {})}

        async def call() -> ChatCompletion:
            return _checked(await self._client.post("/chat/completions", cast_to=ChatCompletion, body=whole))

        try:
            answer = await self._calls.made(call)
        except (openai.APIError, BrokenReplyError, TimeoutError, ValueError) as error:
            return VlmReply("", self.model, latency=time.monotonic() - start, failure=self._failures.reason(error))
        return self._reply(answer, time.monotonic() - start)

    def body(self, request: VlmRequest) -> dict[str, Any]:
        """The arguments of the call."""
        settings = self.settings
        body: dict[str, Any] = {
            "model": self.model,
            "messages": messages(request, settings.pictures),
            settings.token_limit: settings.max_tokens,
        }
        if settings.temperature is not None:
            body["temperature"] = max(settings.temperature, AGAIN_TEMPERATURE) if request.attempt else settings.temperature
        if settings.seed is not None:
            body["seed"] = settings.seed + request.attempt + REPEAT_SEEDS * request.repeat
        if request.schema is not None and settings.structured != "none":
            body["response_format"] = _format(request.schema, settings.structured)
        if settings.extra:
            body["extra_body"] = settings.extra
        return body

    def _reply(self, answer: ChatCompletion, seconds: float) -> VlmReply:
        self._failures.answered()
        usage = answer.usage
        counts = {"in": 0, "cached": 0, "out": 0}
        if usage is not None:
            details = usage.prompt_tokens_details
            counts = {"in": usage.prompt_tokens, "cached": (details and details.cached_tokens) or 0, "out": usage.completion_tokens}
        self.ledger.answered(counts["in"], counts["cached"], counts["out"])
        if usage is not None:
            self._calls.mean_tokens += 0.05 * (counts["in"] + counts["out"] - self._calls.mean_tokens)
        self._check_model(answer.model)
        choice = answer.choices[0]
        text = choice.message.content or ""
        failure = ""
        if choice.message.refusal:
            failure, text = "refused: the model declined to answer", choice.message.refusal
        elif choice.finish_reason == "content_filter":
            failure = "refused: the server's content filter"
        return VlmReply(text, answer.model, counts, seconds, failure, complete=choice.finish_reason != "length")

    def _check_model(self, name: str) -> None:
        wanted = self.settings.answers_as or self.model
        if name != wanted and not (self.settings.answers_as is None and name.startswith(f"{wanted}-")):
            raise EngineError(f"asked for the model {self.model}, the server answers as {name}; if that is right, set answers_as: {name}")


def _limits(concurrency: int) -> Any:
    import httpx2

    return httpx2.Limits(max_connections=2 * concurrency, max_keepalive_connections=2 * concurrency)


def _format(schema: Mapping[str, Any], structured: str) -> dict[str, Any]:
    if structured == "object":
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": dict(schema), "strict": True}}


def _checked(answer: Any) -> ChatCompletion:
    """The reply, where it is one: the client does not check what a server sends."""
    if (
        not isinstance(answer, ChatCompletion)
        or not answer.choices
        or not isinstance(answer.model, str)
        or answer.choices[0].message is None
    ):
        raise BrokenReplyError(f"no chat completion: {str(answer)[:200]}")
    return answer
