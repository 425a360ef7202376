"""Google's Gemini models that draw (https://ai.google.dev/api/generate-content)."""

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from unicedit.config.gemini import GeminiSettings
from unicedit.edit.api import Answer, AnswerError, ImageApi, decoded_base64, first, number
from unicedit.edit.port import EditRequest

_REFUSED = ("SAFETY", "PROHIBITED_CONTENT", "RECITATION", "BLOCKLIST", "SPII")
_KEY_FAULTS = ("API_KEY_INVALID", "API_KEY_EXPIRED")


class Gemini(ImageApi):
    """`POST /models/{model}:generateContent` with the picture inline; the reply holds the edit inline, or why there is none."""

    settings: GeminiSettings

    @property
    def path(self) -> str:
        return f"/models/{quote(self.settings.model.removeprefix('models/'), safe='')}:generateContent"

    def headers(self, key: str) -> dict[str, str]:
        return {"x-goog-api-key": key}

    def body(self, request: EditRequest) -> dict[str, Any]:
        settings = self.settings
        content, kind = self.sent(request.image)
        picture = {"inlineData": {"mimeType": kind, "data": base64.b64encode(content).decode()}}
        generation: dict[str, Any] = {"responseModalities": ["IMAGE"], **settings.generation}
        if settings.send_seed:
            generation["seed"] = request.seed % (1 << 31)
        parts = [{"text": request.said(settings.language)}, picture]
        return {"json": {"contents": [{"role": "user", "parts": parts}], "generationConfig": generation, **settings.extra}}

    def answer(self, reply: Mapping[str, Any]) -> Answer:
        usage = reply.get("usageMetadata")
        tokens = (number(usage, "promptTokenCount"), number(usage, "candidatesTokenCount") + number(usage, "thoughtsTokenCount"))
        feedback = reply.get("promptFeedback")
        if isinstance(feedback, Mapping) and feedback.get("blockReason"):
            return Answer(failure=f"refused: {feedback['blockReason']}{_said(feedback.get('blockReasonMessage'))}", tokens=tokens)
        candidate = first(reply, "candidates")
        parts = _parts(candidate)
        for part in parts:
            inline = part.get("inlineData") or part.get("inline_data")
            if isinstance(inline, Mapping) and not part.get("thought"):
                return Answer(picture=decoded_base64(inline.get("data")), tokens=tokens)
        reason = str(candidate.get("finishReason") or "")
        if not reason:
            raise AnswerError("a candidate without picture and without finishReason")
        kind = "refused" if any(mark in reason for mark in _REFUSED) else "no_picture"
        words = candidate.get("finishMessage") or " ".join(str(part["text"]) for part in parts if "text" in part)
        return Answer(failure=f"{kind}: {reason}{_said(words)}", tokens=tokens)

    def error(self, status: int, reply: Any) -> tuple[int, dict[str, Any], float | None]:
        status, said, _ = super().error(status, reply[0] if isinstance(reply, list) and reply else reply)
        details = [detail for detail in said.get("details") or [] if isinstance(detail, dict)]
        if any(detail.get("reason") in _KEY_FAULTS for detail in details):
            status = 401  # it comes as 400
        delays = [re.fullmatch(r"(\d+(?:\.\d+)?)s", str(detail.get("retryDelay"))) for detail in details]
        return status, {**said, "code": said.get("status")}, next((float(found[1]) for found in delays if found), None)


def _parts(candidate: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, Mapping) else None
    return [part for part in parts if isinstance(part, Mapping)] if isinstance(parts, list) else []


def _said(words: object) -> str:
    text = " ".join(str(words or "").split())[:300]
    return f" ({text})" if text else ""
