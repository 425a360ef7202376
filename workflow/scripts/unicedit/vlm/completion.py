"""A chat completion in OpenAI's form: what is asked, and what the answer says, whatever way it came."""

from collections.abc import Callable, Mapping
from typing import Any

from unicedit.config.openai import ServedSettings
from unicedit.files import digest_of
from unicedit.vlm.answer import ChatAnswer
from unicedit.vlm.chat import AGAIN_TEMPERATURE, messages
from unicedit.vlm.port import REPEAT_SEEDS, VlmReply, VlmRequest

REFUSALS = frozenset({"content_filter", "content_policy_violation"})  # codes of errors that are the model's or its server's refusal


def identity_of(settings: ServedSettings) -> str:
    """What decides a reply, beside the request. The same for a batch as for single requests: a reply that came by one way is known by the other."""
    return digest_of("openai", settings.deciding())


def body_of(settings: ServedSettings, request: VlmRequest, url: Callable[[bytes], str]) -> dict[str, Any]:
    """The body of the request, with each picture as ``url`` tells it."""
    body: dict[str, Any] = {
        "model": settings.model,
        "messages": messages(request, url),
        settings.token_limit: settings.max_tokens,
    }
    if settings.temperature is not None:
        body["temperature"] = max(settings.temperature, AGAIN_TEMPERATURE) if request.attempt else settings.temperature
    if settings.seed is not None:
        body["seed"] = settings.seed + request.attempt + REPEAT_SEEDS * request.repeat
    if request.schema is not None and settings.structured != "none":
        body["response_format"] = _format(request.schema, settings.structured)
    return body | settings.extra


def _format(schema: Mapping[str, Any], structured: str) -> dict[str, Any]:
    if structured == "object":
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": dict(schema), "strict": True}}


def reply_of(answer: ChatAnswer, seconds: float) -> VlmReply:
    """What an answer says, with the tokens it took (``in``, ``cached`` among them, ``out``)."""
    counts = answer.usage.counts if answer.usage is not None else {}
    choice = answer.choices[0]
    text = choice.message.content or ""
    failure = ""
    if choice.message.refusal:
        failure, text = "refused: the model declined to answer", choice.message.refusal
    elif choice.finish_reason == "content_filter":
        failure = "refused: the server's content filter"
    return VlmReply(text, answer.model, counts, seconds, failure, complete=choice.finish_reason != "length")


def answers_as(settings: ServedSettings, name: str) -> bool:
    """Whether a reply that bears this model's name is of the model that was asked for."""
    wanted = settings.answers_as or str(settings.model)
    return name == wanted or (settings.answers_as is None and name.startswith(f"{wanted}-"))


def not_accepted(code: str | None, said: str) -> str:
    """The reason of a row whose request a server does not take."""
    return f"{'refused' if code in REFUSALS else 'not accepted'}: {said}"
