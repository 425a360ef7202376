"""Aesthetic predictors: a vision tower, its picture embedding of length one, and a small head over it (issue 3, item 4).

``siglip_v2_5`` is aesthetic-predictor-v2.5: the pooled output of SigLIP so400m-patch14-384. ``laion`` is the LAION improved aesthetic predictor: the projected picture
embedding of CLIP ViT-L/14. Both heads are five linear layers (1024, 128, 64, 16, 1) with dropout between them in training and nothing else; scores are about 1..10.
The paper prefilters by an aesthetic score without naming a predictor; these two are what the field uses.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from PIL import Image

from unicedit.config.prefilter import AestheticSettings
from unicedit.map.compute import EngineError
from unicedit.scorers.models import device_of, load_pretrained

WIDTHS = (1024, 128, 64, 16, 1)
MAX_HEAD_BYTES = 64 << 20


def head_of(weights: dict[str, Any], embedding: int, where: str) -> Any:
    """The head as a torch module from published weights (names end in ``.<layer>.weight`` and ``.<layer>.bias``).

    Raises ``EngineError`` when the layers are not those of the predictors, or do not fit an embedding of this size.
    """
    import torch

    found = {}
    for name, value in weights.items():
        if match := re.fullmatch(r"(?:[a-z_]+\.)?(\d+)\.(weight|bias)", name):
            found[int(match.group(1)), match.group(2)] = value
    numbers = sorted({number for number, _ in found})
    widths = (embedding, *WIDTHS)
    shapes = [tuple(found[number, "weight"].shape) if (number, "weight") in found else () for number in numbers]
    wanted = [(after, before) for before, after in pairwise(widths)]
    if shapes != wanted or len(found) != len(weights) or any((number, "bias") not in found for number in numbers):
        raise EngineError(f"{where}: layers {shapes} are not those of the predictor's head over an embedding of {embedding}: {wanted}")
    layers = []
    for number, (after, before) in zip(numbers, wanted, strict=True):
        layer = torch.nn.Linear(before, after)
        layer.load_state_dict({kind: found[number, kind].float() for kind in ("weight", "bias")})
        layers.append(layer)
    return torch.nn.Sequential(*layers).eval()


class AestheticScorer:
    """Column ``aesthetic``. Raises ``EngineError`` when a model or the head is missing or of another kind."""

    def __init__(self, settings: AestheticSettings) -> None:
        import torch
        from safetensors.torch import load_file
        from transformers import AutoConfig, AutoImageProcessor, CLIPVisionModelWithProjection, SiglipVisionModel

        key = "prefilter.aesthetic.model"
        head = Path(settings.head)
        if not head.is_file():
            raise EngineError(
                f"config: prefilter.aesthetic.head = {settings.head!r}: no such file; make it from the published .pth with convert_aesthetic"
            )
        if head.suffix != ".safetensors" or head.stat().st_size > MAX_HEAD_BYTES:
            raise EngineError(
                f"config: prefilter.aesthetic.head = {settings.head!r}: must be a safetensors file of at most {MAX_HEAD_BYTES >> 20} MB"
            )
        siglip = settings.predictor == "siglip_v2_5"
        kind = load_pretrained(AutoConfig, key, settings.model, settings.revision).model_type
        family = "siglip" if siglip else "clip"
        if not kind.startswith(family) or kind.startswith("siglip2"):
            raise EngineError(
                f"config: {key} = {settings.model!r}: is a {kind} model, {settings.predictor} needs a {family} one: a head fits only its own tower"
            )
        loader = SiglipVisionModel if siglip else CLIPVisionModelWithProjection
        self.device = device_of(settings.device)
        self.dtype = getattr(torch, settings.dtype)
        tower = load_pretrained(loader, key, settings.model, settings.revision, use_safetensors=True, dtype=self.dtype)
        self.tower = tower.to(self.device).eval()
        self.siglip = siglip
        self.processor = load_pretrained(AutoImageProcessor, key, settings.model, settings.revision, backend="pil")
        embedding = self.tower.config.hidden_size if siglip else self.tower.config.projection_dim
        self.head = head_of(load_file(head), embedding, str(head)).to(self.device)

    def score(self, images: Sequence[Image.Image]) -> list[dict[str, float]]:
        import torch

        if not images:
            return []
        pixels = self.processor(images=list(images), return_tensors="pt")["pixel_values"].to(self.device, self.dtype)
        with torch.inference_mode():
            output = self.tower(pixel_values=pixels)
            embedding = (output.pooler_output if self.siglip else output.image_embeds).float()
            scores = self.head(embedding / embedding.norm(dim=-1, keepdim=True)).squeeze(-1)
        return [{"aesthetic": float(score)} for score in scores.cpu()]
