"""A Qwen2.5-VL or Qwen3-VL checkpoint in this process, through transformers (design section 6)."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from unicedit.config.local_vlm import LocalVlmSettings
from unicedit.files import digest_of
from unicedit.pictures import decoded
from unicedit.scorers.models import device_of
from unicedit.verifier.identity import model_digest
from unicedit.verifier.load import load_verifier, recorded
from unicedit.vlm.cache import ReplyCache
from unicedit.vlm.chat import AGAIN_TEMPERATURE
from unicedit.vlm.port import Arrived, VlmEngine, VlmReply, VlmRequest, unheard


class TransformersEngine(VlmEngine):
    """Answers in batches, those of like length together; greedy, and drawn from a seed of its own when a question is asked again.

    Raises ``EngineError`` where the model is missing or of another family.
    """

    def __init__(self, settings: LocalVlmSettings, cache: Path | None) -> None:
        path = str(settings.model)
        device = device_of(settings.device)
        dtype = settings.dtype if settings.dtype != "auto" else "float32" if device == "cpu" else "bfloat16"
        differential, _ = recorded(path, revision=settings.revision)
        self.settings = settings
        self.name = f"{Path(path).name}@{model_digest(path, settings.revision)[:12]}"
        self.identity = digest_of("transformers", self.name, settings.deciding())
        self.cache = ReplyCache(cache) if cache else None
        self.model, self.processor = load_verifier(
            path,
            differential=differential or "none",
            revision=settings.revision,
            dtype=dtype,
            device=device,
            max_pixels=settings.max_pixels,
        )
        self.end = int(self.processor.tokenizer.convert_tokens_to_ids("<|im_end|>"))

    def reply(self, requests: Sequence[VlmRequest], arrived: Arrived = unheard) -> list[VlmReply]:
        """A reply to each request, in order."""
        found: dict[int, VlmReply] = {}
        first = [number for number, request in enumerate(requests) if not request.attempt]
        order = sorted(first, key=lambda number: (-len(requests[number].prompt), number))
        size = self.settings.batch_size
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        # what is drawn must not depend on its neighbours
        batches += [[number] for number, request in enumerate(requests) if request.attempt]
        for batch in batches:
            for number, reply in zip(batch, self._batch([requests[number] for number in batch]), strict=True):
                found[number] = reply
                arrived(number, reply)
        return [found[number] for number in range(len(requests))]

    def _batch(self, requests: Sequence[VlmRequest]) -> list[VlmReply]:
        start = time.monotonic()
        pictures = [[decoded(image) for image in request.images] for request in requests]
        made = self._inputs(requests, pictures)
        seed = None if not requests[0].attempt else int(digest_of("again", requests[0].key, requests[0].attempt)[:8], 16)
        tokens = self._generated(made, seed)[:, made["input_ids"].shape[1] :].tolist()
        seconds = (time.monotonic() - start) / len(requests)
        given = made["attention_mask"].sum(1).tolist()
        return [self._reply(row, count, seconds) for row, count in zip(tokens, given, strict=True)]

    def _inputs(self, requests: Sequence[VlmRequest], pictures: Sequence[Sequence[Image.Image]]) -> dict[str, torch.Tensor]:
        texts = [self.processor.apply_chat_template(_messages(request), tokenize=False, add_generation_prompt=True) for request in requests]
        made = self.processor(text=texts, images=[list(each) for each in pictures], padding=True, padding_side="left", return_tensors="pt")
        if "mm_token_type_ids" not in made:
            raise RuntimeError("the processor gives no mm_token_type_ids: without them the pictures' positions are wrong")
        return {name: value.to(self.model.device) for name, value in made.items()}

    def _generated(self, made: dict[str, torch.Tensor], seed: int | None) -> torch.Tensor:
        from transformers import GenerationConfig

        drawn = (
            {"do_sample": True, "temperature": AGAIN_TEMPERATURE, "top_k": 0, "top_p": 1.0} if seed is not None else {"do_sample": False}
        )
        settings = GenerationConfig(
            **drawn,
            repetition_penalty=1.0,
            num_beams=1,
            max_new_tokens=self.settings.max_new_tokens,
            eos_token_id=self.end,
            pad_token_id=self.processor.tokenizer.pad_token_id,
        )
        devices = [self.model.device] if self.model.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices, enabled=seed is not None), torch.inference_mode():
            if seed is not None:
                torch.manual_seed(seed)
            tokens: torch.Tensor = self.model.generate(**made, generation_config=settings)
        return tokens

    def _reply(self, tokens: list[int], given: int, seconds: float) -> VlmReply:
        ended = self.end in tokens
        own = tokens[: tokens.index(self.end)] if ended else tokens
        text = self.processor.tokenizer.decode(own, skip_special_tokens=True)
        return VlmReply(text, self.name, {"in": given, "out": len(own)}, seconds, complete=ended)


def _messages(request: VlmRequest) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = [{"type": "image"} for _ in request.images]
    turns: list[dict[str, Any]] = [{"role": "user", "content": [*content, {"type": "text", "text": request.prompt}]}]
    if request.refused:
        turns += [
            {"role": "assistant", "content": [{"type": "text", "text": request.refused.text}]},
            {"role": "user", "content": [{"type": "text", "text": request.refused.asked_again}]},
        ]
    return turns
