"""Requests with small pictures, and the engine `openai` at a test server."""

import io
from pathlib import Path
from typing import Any

from PIL import Image

from openai_server import MODEL
from unicedit.config.openai import OpenAiSettings
from unicedit.map.stage import RowError
from unicedit.verify.reply import VerifyReply, parse_reply
from unicedit.vlm.ask import Answer, ask
from unicedit.vlm.openai import OpenAiEngine
from unicedit.vlm.port import VlmRequest


def picture(number: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), (number % 256, number // 256, 7)).save(stream, "PNG")
    return stream.getvalue()


def requests(count: int) -> list[VlmRequest]:
    schema = VerifyReply.model_json_schema()
    return [VlmRequest(f"k{number}", f"Question {number}", (picture(number), picture(number + 1)), schema) for number in range(count)]


def engine_at(url: str, folder: Path, **settings: Any) -> OpenAiEngine:
    made = {"model": MODEL, "base_url": url, "longest_wait": 0.05, "timeout": 2.0, **settings}
    return OpenAiEngine(OpenAiSettings(**made), folder / "replies", folder / "usage")


def verdicts(engine: OpenAiEngine, count: int, attempts: int = 3) -> list[Answer[VerifyReply] | RowError]:
    return ask(engine, requests(count), lambda _, text: parse_reply(text), attempts)
