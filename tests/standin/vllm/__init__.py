"""A stand-in for vLLM in tests of the process around it: the calls of release 0.33.0 that the worker makes, with no model behind them."""

import json
import os
import random
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from openai_server import ANSWERS
from vllm.sampling_params import StructuredOutputsParams


@dataclass
class SamplingParams:
    """As vLLM's, with the fields that the worker sets."""

    temperature: float = 1.0
    seed: int | None = None
    max_tokens: int | None = 16
    structured_outputs: StructuredOutputsParams | None = None
    n: int = field(default=1)


class LLM:
    """Answers by the schema; dies, or refuses, where a prompt says so."""

    def __init__(self, model: str, *, revision: str | None = None, trust_remote_code: bool = False, **kwargs: Any) -> None:
        print("vLLM prints to standard output")
        if "missing" in model:
            raise OSError(f"{model} is not there")
        self.arguments = kwargs

    def chat(self, messages: list[list[dict[str, Any]]], sampling_params: list[SamplingParams], use_tqdm: bool = True) -> list[Any]:
        assert len(messages) == len(sampling_params) and not use_tqdm
        return [self._output(turns, own) for turns, own in zip(messages, sampling_params, strict=True)]

    def _output(self, turns: list[dict[str, Any]], own: SamplingParams) -> Any:
        *pictures, text = turns[0]["content"]
        assert all(picture["image_url"]["url"].startswith("data:image/") for picture in pictures)
        if "die" in text["text"]:
            os._exit(9)
        if "too long" in text["text"]:
            raise ValueError("The decoder prompt is longer than the maximum model length")
        cut = "cut" in text["text"] and own.seed == 0
        assert own.structured_outputs is not None
        schema = own.structured_outputs.json
        reply = json.dumps(ANSWERS[schema["title"]](schema, random.Random(text["text"])))
        best = SimpleNamespace(text=reply[:20] if cut else reply, finish_reason="length" if cut else "stop", token_ids=[1] * 7)
        return SimpleNamespace(outputs=[best], prompt_token_ids=[1] * 100, num_cached_tokens=40)
