"""Gemini's generateContent: what is asked, and what the answer says."""

import base64
from collections.abc import Mapping
from typing import Any

from unicedit.config.openai import ServedSettings
from unicedit.files import digest_of
from unicedit.vlm.chat import AGAIN_TEMPERATURE
from unicedit.vlm.pictures import sent
from unicedit.vlm.port import REPEAT_SEEDS, VlmReply, VlmRequest

# finish reasons by which the service keeps back an answer, and would again
_WITHHELD = {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "LANGUAGE"}
_KEPT = ("description", "enum", "minItems", "maxItems", "minimum", "maximum", "nullable")  # of a schema, as they are


def identity_of(settings: ServedSettings) -> str:
    """What decides a reply, beside the request."""
    return digest_of("gemini", settings.deciding())


def body_of(settings: ServedSettings, request: VlmRequest) -> dict[str, Any]:
    """The body of a GenerateContentRequest. Fields of ``extra`` are added to it, and those of its ``generationConfig`` to that one."""
    parts: list[dict[str, Any]] = []
    for image in request.images:
        content, kind = sent(image, settings.pictures)
        parts.append({"inlineData": {"mimeType": kind, "data": base64.b64encode(content).decode()}})
    contents = [{"role": "user", "parts": [*parts, {"text": request.prompt}]}]
    if request.refused:
        contents.append({"role": "model", "parts": [{"text": request.refused.text}]})
        contents.append({"role": "user", "parts": [{"text": request.refused.asked_again}]})
    generation: dict[str, Any] = {"maxOutputTokens": settings.max_tokens}
    if settings.temperature is not None:
        generation["temperature"] = max(settings.temperature, AGAIN_TEMPERATURE) if request.attempt else settings.temperature
    if settings.seed is not None:
        generation["seed"] = settings.seed + request.attempt + REPEAT_SEEDS * request.repeat
    if request.schema is not None and settings.structured != "none":
        generation["responseMimeType"] = "application/json"
        if settings.structured == "schema":
            # not responseJsonSchema: batches are known to answer it with shifted fields
            generation["responseSchema"] = openapi(request.schema)
    extra = dict(settings.extra)
    return {"contents": contents, "generationConfig": generation | extra.pop("generationConfig", {}), **extra}


def openapi(schema: Mapping[str, Any], definitions: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A JSON schema as the subset of OpenAPI's that Gemini takes: references resolved, and what it does not know left out (replies are checked all the same)."""
    definitions = schema.get("$defs", {}) if definitions is None else definitions
    if "$ref" in schema:
        return openapi(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
    made: dict[str, Any] = {name: schema[name] for name in _KEPT if name in schema}
    if "const" in schema:
        made["enum"] = [schema["const"]]
    if "type" in schema:
        made["type"] = schema["type"].upper()
    if "items" in schema:
        made["items"] = openapi(schema["items"], definitions)
    if "anyOf" in schema:
        made["anyOf"] = [openapi(one, definitions) for one in schema["anyOf"]]
    if "properties" in schema:
        made["properties"] = {name: openapi(one, definitions) for name, one in schema["properties"].items()}
        made["propertyOrdering"] = list(schema["properties"])
        made["required"] = list(schema.get("required", []))
    return made


def reply_of(answer: Mapping[str, Any]) -> VlmReply:
    """What a GenerateContentResponse says, with the tokens it took (``in``, ``cached`` among them, ``out``, thoughts included).

    Raises ``ValueError`` (``KeyError``, ``TypeError``) for what is none.
    """
    usage = answer.get("usageMetadata") or {}
    counts = {
        "in": int(usage.get("promptTokenCount") or 0),
        "cached": int(usage.get("cachedContentTokenCount") or 0),
        "out": int(usage.get("candidatesTokenCount") or 0) + int(usage.get("thoughtsTokenCount") or 0),
    }
    model = str(answer["modelVersion"]).removeprefix("models/")
    blocked = (answer.get("promptFeedback") or {}).get("blockReason")
    if blocked:
        return VlmReply("", model, counts, failure=f"refused: the prompt was blocked ({blocked})")
    candidate = answer["candidates"][0]
    finish = candidate.get("finishReason", "STOP")
    parts = (candidate.get("content") or {}).get("parts") or []
    text = "".join(str(part.get("text", "")) for part in parts if not part.get("thought"))
    failure = f"refused: the service kept back its answer ({finish})" if finish in _WITHHELD else ""
    return VlmReply(text, model, counts, failure=failure, complete=finish != "MAX_TOKENS")
