"""A request as a conversation in OpenAI's form, which vLLM takes too."""

from typing import Any

from unicedit.config.openai import SentPicturesSettings
from unicedit.vlm.pictures import data_url
from unicedit.vlm.port import VlmRequest

AGAIN_TEMPERATURE = 0.7  # of a repeated asking: the same words would otherwise come again


def messages(request: VlmRequest, pictures: SentPicturesSettings) -> list[dict[str, Any]]:
    """Pictures, then the prompt; and where an earlier reply did not fit, that reply and what is wrong with it."""
    content: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": data_url(image, pictures)}} for image in request.images]
    turns: list[dict[str, Any]] = [{"role": "user", "content": [*content, {"type": "text", "text": request.prompt}]}]
    if request.refused:
        turns += [{"role": "assistant", "content": request.refused.text}, {"role": "user", "content": request.refused.asked_again}]
    return turns
