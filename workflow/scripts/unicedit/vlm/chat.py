"""A request as a conversation in OpenAI's form, which vLLM takes too."""

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from unicedit.config.openai import SentPicturesSettings
from unicedit.vlm.pictures import data_url_parts
from unicedit.vlm.port import VlmRequest

AGAIN_TEMPERATURE = 0.7  # of a repeated asking: the same words would otherwise come again


def messages(request: VlmRequest, url: Callable[[bytes], str]) -> list[dict[str, Any]]:
    """Pictures, each as the URL that ``url`` gives it, then the prompt; and where an earlier reply did not fit, that reply and what is wrong with it."""
    content: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": url(image)}} for image in request.images]
    turns: list[dict[str, Any]] = [{"role": "user", "content": [*content, {"type": "text", "text": request.prompt}]}]
    if request.refused:
        turns += [{"role": "assistant", "content": request.refused.text}, {"role": "user", "content": request.refused.asked_again}]
    return turns


def spliced(body: Callable[[Callable[[bytes], str]], Mapping[str, Any]], pictures: SentPicturesSettings) -> list[bytes]:
    """The JSON of what ``body`` makes of a function that gives a picture its URL, in parts that follow one another.

    The pictures are put in afterwards: a JSON encoder would look at each of their millions of letters, none of which needs escaping. In parts, for to join them
    would copy those letters.
    """
    images: dict[str, bytes] = {}

    def marked(image: bytes) -> str:
        mark = secrets.token_hex(16)  # a hostile text cannot know it
        images[mark] = image
        return mark

    rest = json.dumps(body(marked), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
    parts: list[bytes] = []
    for mark, image in images.items():
        before, rest = rest.split(mark.encode(), 1)
        head, letters = data_url_parts(image, pictures)
        parts += [before + head, letters]
    return [*parts, rest]
