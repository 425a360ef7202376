"""Volcengine Ark's image API: SeedEdit and Seedream (https://www.volcengine.com/docs/82379/1541523)."""

from collections.abc import Mapping
from typing import Any

from unicedit.config.ark import ArkSettings
from unicedit.edit.api import Answer, AnswerError, ImageApi, data_url, decoded_base64, first, number
from unicedit.edit.port import EditRequest


class Ark(ImageApi):
    """`POST /images/generations` with the source as a data URL; the reply holds the picture in base64, or its address."""

    settings: ArkSettings
    refusals = ("SensitiveContentDetected", "RiskDetection", "content_filter")

    @property
    def path(self) -> str:
        return "/images/generations"

    def body(self, request: EditRequest) -> dict[str, Any]:
        settings = self.settings
        body: dict[str, Any] = {
            "model": settings.model,
            "prompt": request.said(settings.language),
            "image": data_url(*self.sent(request.image)),
            "response_format": settings.response_format,
            "watermark": settings.watermark,
        }
        if settings.size is not None:
            body["size"] = settings.size
        if settings.send_seed:
            body["seed"] = request.seed % (1 << 31)
        return {"json": {**body, **settings.extra}}

    def answer(self, reply: Mapping[str, Any]) -> Answer:
        made = first(reply, "data")
        tokens = (0, number(reply.get("usage"), "output_tokens"))
        if isinstance(fault := made.get("error"), Mapping):
            kind = "refused" if self.refuses(fault.get("code")) else "no_picture"
            return Answer(failure=f"{kind}: {fault.get('code')}: {' '.join(str(fault.get('message')).split())[:300]}", tokens=tokens)
        if made.get("b64_json"):
            return Answer(picture=decoded_base64(made["b64_json"]), tokens=tokens)
        if isinstance(made.get("url"), str):
            return Answer(url=made["url"], tokens=tokens)
        raise AnswerError(f"neither `b64_json` nor `url` in the reply: {sorted(made)}")
