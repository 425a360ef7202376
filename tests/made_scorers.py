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


def embedding_model(folder: Path, kind: str) -> int:
    """Save a tiny model that gives embeddings, with its processor, as its kind is published: CLIP and SigLIP 2 with their text towers; returns the embedding's size."""
    import torch
    import transformers

    if kind in ("clip", "siglip"):
        return tower(folder, {"clip": "laion", "siglip": "siglip_v2_5"}[kind])
    torch.manual_seed(8)
    sizes = {name: size for name, size in _TINY.items() if name not in ("intermediate_size", "image_size", "patch_size")}
    if kind == "siglip2":
        vision = {**sizes, "intermediate_size": 64, "patch_size": 14, "num_patches": 16}
        text = {**sizes, "intermediate_size": 64, "vocab_size": 50}
        transformers.Siglip2Model(transformers.Siglip2Config(text_config=text, vision_config=vision)).eval().save_pretrained(folder)
        transformers.Siglip2ImageProcessor(patch_size=14, max_num_patches=16).save_pretrained(folder)
    elif kind == "clip with text":
        text = {**sizes, "intermediate_size": 64, "vocab_size": 50, "projection_dim": 24}
        vision = {**_TINY, "projection_dim": 24}
        transformers.CLIPModel(transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)).eval().save_pretrained(
            folder
        )
        transformers.CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}).save_pretrained(folder)
        return 24
    else:
        name = {"dinov2": "Dinov2", "dinov2_with_registers": "Dinov2WithRegisters"}[kind]
        config = getattr(transformers, f"{name}Config")(**sizes, mlp_ratio=2, image_size=28, patch_size=14)
        getattr(transformers, f"{name}Model")(config).eval().save_pretrained(folder)
        transformers.BitImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}).save_pretrained(folder)
    return int(_TINY["hidden_size"])


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
