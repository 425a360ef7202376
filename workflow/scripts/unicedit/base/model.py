"""The base model: the stock Qwen2.5-VL architecture, tiny, and its processor, from nothing but a configuration."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from unicedit.base.pictures import MERGE, PATCH

HIDDEN, LAYERS, HEADS, INNER = 128, 4, 4, 384
VISION_HIDDEN, VISION_DEPTH, VISION_HEADS, VISION_INNER = 128, 4, 4, 256
WINDOW = PATCH * MERGE * 16  # no picture is larger: attention sees all of it in every layer
MAX_BYTES = 8_000_000  # of the saved weights
# M-RoPE turns pairs of a head's numbers by time, row and column, the slowest by column. Of 16 pairs, time and row have one each, so that columns begin with fast ones
# (0.44, 0.29, 0.19 a column) and tell a picture of six columns apart, and end with slow ones: without these a head cannot seek a token by what it is, however far it
# stands, and a model can neither repeat its question nor fetch what it sees into words.
ROPE = 800.0
SECTIONS = (1, 1, 14)


def config(tokenizer: Any) -> Qwen2_5_VLConfig:
    """The configuration for a tokenizer that has Qwen's special tokens."""
    ids = tokenizer.convert_tokens_to_ids
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "max_position_embeddings": 4096,
        "bos_token_id": ids("<|endoftext|>"),
        "eos_token_id": ids("<|im_end|>"),
        "pad_token_id": ids("<|endoftext|>"),
        "tie_word_embeddings": True,
        "rope_parameters": {"rope_type": "default", "rope_theta": ROPE, "mrope_section": list(SECTIONS)},
    }
    vision = {
        "depth": VISION_DEPTH,
        "hidden_size": VISION_HIDDEN,
        "intermediate_size": VISION_INNER,
        "num_heads": VISION_HEADS,
        "patch_size": PATCH,
        "spatial_merge_size": MERGE,
        "temporal_patch_size": 2,
        "window_size": WINDOW,
        "out_hidden_size": HIDDEN,
        "fullatt_block_indexes": list(range(VISION_DEPTH)),
    }
    return Qwen2_5_VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=ids("<|image_pad|>"),
        video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"),
        vision_end_token_id=ids("<|vision_end|>"),
        tie_word_embeddings=True,
    )


def fresh(tokenizer: Any, seed: int) -> Qwen2_5_VLForConditionalGeneration:
    """A model with random weights, in float32."""
    torch.manual_seed(seed)
    model = Qwen2_5_VLForConditionalGeneration(config(tokenizer))
    generation = model.generation_config
    generation.eos_token_id, generation.pad_token_id = tokenizer.eos_token_id, tokenizer.pad_token_id
    return model


def save(model: Qwen2_5_VLForConditionalGeneration, processor: Any, folder: Path) -> None:
    """The model in bfloat16 safetensors, its processor and chat template. ``ValueError`` where the weights are larger than they may be."""
    weights = {name: value.to(torch.bfloat16) for name, value in model.state_dict().items()}
    kept = Qwen2_5_VLForConditionalGeneration(model.config).to(torch.bfloat16)
    kept.load_state_dict(weights)
    kept.generation_config = model.generation_config
    size = sum(value.numel() * value.element_size() for value in kept.parameters())
    if size > MAX_BYTES:
        raise ValueError(f"the base model has {size} bytes of weights: at most {MAX_BYTES} are allowed")
    kept.save_pretrained(folder)
    processor.save_pretrained(folder)


def normalised(pictures: torch.Tensor, processor: Any) -> torch.Tensor:
    """Patches of pictures as the stock processor makes them, of one frame: (pictures, height, width, 3) grey levels, float, to
    (pictures * patches, 3 * 14 * 14).
    """
    mean, deviation = (torch.tensor(values, device=pictures.device) for values in (processor.image_mean, processor.image_std))
    values = (pictures / 255 - mean) / deviation
    count, height, width, _ = values.shape
    block = PATCH * MERGE
    cut = values.reshape(count, height // block, MERGE, PATCH, width // block, MERGE, PATCH, 3)
    return cut.permute(0, 1, 4, 2, 5, 7, 3, 6).reshape(-1, 3 * PATCH * PATCH)


def tokens_of(tower: Any, pictures: np.ndarray, processor: Any) -> torch.Tensor:
    """The tokens of pictures of one size: (pictures, rows * columns, width)."""
    patches = normalised(torch.from_numpy(pictures).to(tower.device).float(), processor)
    grid = torch.tensor([[1, pictures.shape[1] // PATCH, pictures.shape[2] // PATCH]], device=tower.device).expand(len(pictures), 3)
    merged: torch.Tensor = tower(patches, grid_thw=grid).pooler_output
    return merged.reshape(len(pictures), -1, merged.shape[-1])


def token_grid(pictures: np.ndarray) -> tuple[int, int]:
    """Rows and columns of a picture's tokens."""
    return pictures.shape[1] // (PATCH * MERGE), pictures.shape[2] // (PATCH * MERGE)
