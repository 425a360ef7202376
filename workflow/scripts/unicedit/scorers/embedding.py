"""Picture embeddings of length one, so that the product of two is their cosine.

What each architecture documents as the embedding of a whole picture is taken: of DINOv2 (with registers or without) the class token after the last normalisation, by which its
authors retrieve pictures (arXiv 2304.07193); of CLIP the projected class token, which it was trained to compare (arXiv 2103.00020); of SigLIP and SigLIP 2 the output of the
attention pooling head (arXiv 2303.15343, 2502.14786). Text towers are not loaded.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unicedit.config.contamination import EmbeddingSettings
from unicedit.map.compute import EngineError
from unicedit.scorers.models import device_of, load_pretrained

KEY = "contamination.embedding.model"
# `model_type` in a model's config.json: the class of transformers that loads its vision tower, and the output that is the embedding
TOWERS = {
    "dinov2": ("AutoModel", "pooler_output"),
    "dinov2_with_registers": ("AutoModel", "pooler_output"),
    "clip": ("CLIPVisionModelWithProjection", "image_embeds"),
    "clip_vision_model": ("CLIPVisionModelWithProjection", "image_embeds"),
    "siglip": ("SiglipVisionModel", "pooler_output"),
    "siglip_vision_model": ("SiglipVisionModel", "pooler_output"),
    "siglip2": ("Siglip2VisionModel", "pooler_output"),
    "siglip2_vision_model": ("Siglip2VisionModel", "pooler_output"),
}


def check_folder(model: str) -> str | None:
    """What a local model's folder lacks, without loading it; None where nothing, and for a hub model. Raises ``EngineError`` for a model of another kind."""
    folder = Path(model)
    if not folder.exists():
        return None
    try:
        kind = json.loads((folder / "config.json").read_bytes())["model_type"]
    except (OSError, ValueError, LookupError, TypeError):
        return f"config: {KEY} = {model!r}: no config.json with a model_type in it; a folder that transformers saved a model to is allowed"
    _tower_of(model, str(kind))
    missing = [name for name in ("preprocessor_config.json", "*.safetensors") if not any(folder.glob(name))]
    return f"config: {KEY} = {model!r}: holds no {' and no '.join(missing)}; only safetensors weights are read" if missing else None


def _tower_of(model: str, kind: str) -> tuple[str, str]:
    if kind not in TOWERS:
        raise EngineError(
            f"config: {KEY} = {model!r}: is a {kind} model; allowed are DINOv2, CLIP, SigLIP and SigLIP 2 (model_type {', '.join(TOWERS)})"
        )
    return TOWERS[kind]


class Embedder:
    """A vision tower, ready. Raises ``EngineError`` where it is missing, incomplete or of another kind."""

    def __init__(self, settings: EmbeddingSettings) -> None:
        import torch
        import transformers

        self.settings = settings
        asked = (KEY, settings.model, settings.revision)
        kind = load_pretrained(transformers.AutoConfig, *asked).model_type
        loader, self.output = _tower_of(settings.model, kind)
        self.device = device_of(settings.device)
        self.dtype = getattr(torch, settings.dtype)
        options = {"use_safetensors": True, "dtype": self.dtype, "output_loading_info": True}
        tower, loaded = load_pretrained(getattr(transformers, loader), *asked, **options)
        # transformers fills what is missing with random numbers and only warns
        if missing := sorted(loaded["missing_keys"]):
            raise EngineError(
                f"config: {KEY} = {settings.model!r}: its weights lack {missing[0]} ({len(missing)} in all), which its embedding needs"
            )
        self.tower = tower.to(self.device).eval()
        self.processor = load_pretrained(transformers.AutoImageProcessor, *asked, backend="pil")

    def embed(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """The embedding of each RGB picture (pictures, dimensions), of length one. All go through the model at once."""
        import torch

        inputs = self.processor(images=list(images), return_tensors="pt").to(self.device)
        inputs["pixel_values"] = inputs["pixel_values"].to(self.dtype)
        with torch.inference_mode():
            found = self.tower(**inputs)[self.output].float()
            found = torch.nn.functional.normalize(found, dim=-1)
        # no comparison with what is not a number is ever true: nothing would be found, silently
        if not bool(torch.isfinite(found).all()):
            raise EngineError(
                f"config: contamination.embedding.dtype = {self.settings.dtype!r}: the model's numbers overflow in it; float32 and bfloat16 have more room"
            )
        return np.asarray(found.cpu().numpy(), np.float32)
