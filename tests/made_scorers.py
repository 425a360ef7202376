"""Scorer models with random weights: tiny for tests, of the published sizes for benchmarks. What they score means nothing; how, and how fast, does."""

from pathlib import Path
from typing import Any

# the architectures of google/siglip-so400m-patch14-384, openai/clip-vit-large-patch14 and a ViT-B/16 classifier
PUBLISHED: dict[str, dict[str, Any]] = {
    "siglip_v2_5": {
        "hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16, "image_size": 384, "patch_size": 14,
    },
    "laion": {
        "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16, "image_size": 224, "patch_size": 14,
        "projection_dim": 768,
    },
    "safety": {
        "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12, "image_size": 224, "patch_size": 16,
    },
}  # fmt: skip
_TINY = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 28, "patch_size": 14}
TINY: dict[str, dict[str, Any]] = {"siglip_v2_5": _TINY, "laion": {**_TINY, "projection_dim": 24}, "safety": _TINY}


def tower(folder: Path, predictor: str, sizes: dict[str, dict[str, Any]] = TINY) -> int:
    """Save a predictor's vision tower with its processor; returns the size of its embedding."""
    import torch
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        CLIPVisionModelWithProjection,
        SiglipImageProcessor,
        SiglipVisionConfig,
        SiglipVisionModel,
    )

    torch.manual_seed(5)
    size = sizes[predictor]
    square = {"height": size["image_size"], "width": size["image_size"]}
    if predictor == "siglip_v2_5":
        SiglipVisionModel(SiglipVisionConfig(**size)).eval().save_pretrained(folder)
        SiglipImageProcessor(size=square).save_pretrained(folder)
        return int(size["hidden_size"])
    CLIPVisionModelWithProjection(CLIPVisionConfig(**size)).eval().save_pretrained(folder)
    CLIPImageProcessor(size={"shortest_edge": size["image_size"]}, crop_size=square).save_pretrained(folder)
    return int(size["projection_dim"])


def published_head(path: Path, predictor: str, embedding: int) -> dict[str, Any]:
    """Save a head under the names the published ones have; returns its weights."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(6)
    widths = [embedding, 1024, 128, 64, 16, 1]
    prefix, numbers = ("scoring_head", (0, 2, 4, 6, 8)) if predictor == "siglip_v2_5" else ("layers", (0, 2, 4, 6, 7))
    weights = {}
    for number, before, after in zip(numbers, widths, widths[1:], strict=False):
        weights[f"{prefix}.{number}.weight"] = torch.randn(after, before) / before**0.5
        weights[f"{prefix}.{number}.bias"] = torch.randn(after)
    save_file(weights, path)
    return weights


def classifier(folder: Path, sizes: dict[str, dict[str, Any]] = TINY) -> None:
    """Save an image classifier that knows the labels normal, nsfw and violence."""
    import torch
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

    torch.manual_seed(7)
    size = sizes["safety"]
    ViTForImageClassification(ViTConfig(**size, id2label={0: "normal", 1: "nsfw", 2: "violence"})).eval().save_pretrained(folder)
    ViTImageProcessor(size={"height": size["image_size"], "width": size["image_size"]}).save_pretrained(folder)
