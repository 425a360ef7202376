"""The image edits of OpenAI's API: GPT-Image-1 and its successors (https://platform.openai.com/docs/api-reference/images/createEdit)."""

from collections.abc import Mapping
from typing import Any

from unicedit.config.openai_images import OpenAiImagesSettings
from unicedit.edit.api import Answer, AnswerError, ImageApi, decoded_base64, first, number
from unicedit.edit.port import EditRequest


class OpenAiImages(ImageApi):
    """`POST /images/edits` as multipart form; the reply holds the picture in base64."""

    settings: OpenAiImagesSettings
    refusals = ("moderation_blocked", "content_policy_violation", "content_filter")

    @property
    def path(self) -> str:
        return "/images/edits"

    def body(self, request: EditRequest) -> dict[str, Any]:
        settings = self.settings
        content, kind = self.sent(request.image)
        fields = {"model": settings.model, "prompt": request.said(settings.language), "size": settings.size, "quality": settings.quality}
        data = {name: _text(value) for name, value in {**fields, **settings.extra}.items()}
        return {"data": data, "files": {"image": (f"source.{kind.rsplit('/', 1)[1]}", content, kind)}}

    def answer(self, reply: Mapping[str, Any]) -> Answer:
        made, usage = first(reply, "data"), reply.get("usage")
        tokens = (number(usage, "input_tokens"), number(usage, "output_tokens"))
        if "b64_json" in made:
            return Answer(picture=decoded_base64(made["b64_json"]), tokens=tokens)
        if isinstance(made.get("url"), str):  # other servers that speak this API
            return Answer(url=made["url"], tokens=tokens)
        raise AnswerError(f"neither `b64_json` nor `url` in the reply: {sorted(made)}")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
