"""Verifiers with random weights, of the real architectures, tiny: what they say means nothing; how they compute it does."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from unicedit.verifier.chat import Form, messages, question, reply_text
from unicedit.verifier.reader import Pair, pictures_of

Family = Literal["qwen2_5_vl", "qwen3_vl"]

SPECIALS = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>",
]  # fmt: skip
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def corpus() -> list[str]:
    """Questions and replies, enough for a tokenizer."""
    texts = []
    for english, chinese in (
        ("Make the red ball blue.", "把红球变成蓝色。"),
        ("Remove the cat.", "移除猫。"),
        ("Add a kite.", "添加风筝。"),
    ):
        for given in ((english, chinese), None):
            texts += [question(given, form, pictures) for form in ("full", "short") for pictures in (2, 3)]
        texts.append(reply_text([f"Difference: {english}"], True, (english, chinese), ("A red ball on grass.", "A blue ball on grass.")))
        texts.append(reply_text([], False))
    return texts * 20


def tokenizer(size: int = 480) -> Any:
    """A Qwen tokenizer of ``size`` tokens."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import Qwen2Tokenizer
    from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

    made = Tokenizer(models.BPE())
    made.normalizer = normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=SPECIALS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    made.train_from_iterator(corpus(), trainer)
    learned = json.loads(made.to_str())["model"]
    return Qwen2Tokenizer(
        vocab=learned["vocab"],
        merges=[tuple(pair) for pair in learned["merges"]],
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=SPECIALS[1:],
    )


def configuration(tokens: Any, family: Family) -> Any:
    """The configuration of a tiny model: two text layers of width 32, two vision layers."""
    from transformers import Qwen2_5_VLConfig, Qwen3VLConfig

    ids = tokens.convert_tokens_to_ids
    text: dict[str, Any] = {
        "vocab_size": len(tokens), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
        "num_key_value_heads": 1, "max_position_embeddings": 4096, "initializer_range": 0.2, "bos_token_id": ids("<|endoftext|>"),
        "eos_token_id": ids("<|im_end|>"), "pad_token_id": ids("<|endoftext|>"),
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
    }  # fmt: skip
    vision: dict[str, Any] = {
        "depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "patch_size": 14, "spatial_merge_size": 2,
        "temporal_patch_size": 2, "out_hidden_size": 32, "initializer_range": 0.2,
    }  # fmt: skip
    special = {
        "image_token_id": ids("<|image_pad|>"),
        "video_token_id": ids("<|video_pad|>"),
        "vision_start_token_id": ids("<|vision_start|>"),
        "vision_end_token_id": ids("<|vision_end|>"),
    }
    if family == "qwen2_5_vl":
        vision |= {"window_size": 56, "fullatt_block_indexes": [1]}
        return Qwen2_5_VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=True, **special)
    text |= {"head_dim": 16}
    vision |= {"num_position_embeddings": 64, "deepstack_visual_indexes": [0]}
    return Qwen3VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=True, **special)


def tiny_verifier(folder: Path, seed: int = 0, family: Family = "qwen2_5_vl", max_pixels: int = 56 * 56) -> Path:
    """Save a random tiny model with tokenizer and processor in ``folder``, as a stock checkpoint; returns the folder."""
    import torch
    from transformers import Qwen2_5_VLForConditionalGeneration, Qwen3VLForConditionalGeneration
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    from unicedit.verifier.processor import WITHOUT_VIDEO

    tokens = tokenizer()
    loader = Qwen2_5_VLForConditionalGeneration if family == "qwen2_5_vl" else Qwen3VLForConditionalGeneration
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = loader(configuration(tokens, family)).eval()
    model.generation_config.eos_token_id = tokens.eos_token_id
    model.generation_config.pad_token_id = tokens.pad_token_id
    model.save_pretrained(folder)
    images = Qwen2VLImageProcessorPil(
        patch_size=14, merge_size=2, temporal_patch_size=2, size={"shortest_edge": 28 * 28, "longest_edge": max_pixels}
    )
    WITHOUT_VIDEO[family](image_processor=images, tokenizer=tokens, chat_template=CHAT).save_pretrained(folder)
    return folder


def taught_verifier(
    folder: Path,
    lessons: Sequence[tuple[Pair, str]],
    differential: Any = "none",
    form: Form = "short",
    family: Family = "qwen2_5_vl",
    steps: int = 250,
) -> Path:
    """A tiny verifier that learned ``lessons`` (pairs and their replies) by heart, saved as a verifier; returns its folder."""
    import torch

    from unicedit.verifier import cpu_speed
    from unicedit.verifier.load import load_verifier, save_verifier

    cpu_speed.enable()
    stock = tiny_verifier(folder.with_name(f"{folder.name}-stock"), family=family)
    model, processor = load_verifier(str(stock), differential=differential, form=form)
    pictures: Any = 3 if differential == "image" else 2
    chats = [messages(question(pair.instruction, form, pictures), pictures, reply) for pair, reply in lessons]
    batch = processor(
        text=[processor.apply_chat_template(chat, tokenize=False) for chat in chats],
        images=[pictures_of(pair, differential) for pair, _ in lessons],
        padding=True,
        return_tensors="pt",
    )
    begins = processor.tokenizer("<|im_start|>assistant\n")["input_ids"]
    labels = batch["input_ids"].clone()
    for row in labels:
        at = (row == begins[0]).nonzero().max() + len(begins)
        row[:at] = -100
    with torch.random.fork_rng():
        torch.manual_seed(0)
        rates = torch.optim.AdamW(model.parameters(), lr=3e-3)
        for _ in range(steps):
            model(**batch, labels=labels).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            rates.step()
            rates.zero_grad()
    return save_verifier(model, processor, folder)


def seven_billion(tokens: Any, device: str, layers: int = 28) -> Any:
    """Qwen2.5-VL-7B's architecture with random weights, in bfloat16; the tiny tokenizer's special tokens in a vocabulary of the real size."""
    import torch
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    ids = tokens.convert_tokens_to_ids
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": 152064, "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": layers, "num_attention_heads": 28,
            "num_key_value_heads": 4, "max_position_embeddings": 128000,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0, "mrope_section": [16, 24, 24]},
        },
        vision_config={
            "depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "out_hidden_size": 3584, "window_size": 112,
            "fullatt_block_indexes": [7, 15, 23, 31],
        },
        image_token_id=ids("<|image_pad|>"), video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"), vision_end_token_id=ids("<|vision_end|>"),
    )  # fmt: skip
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            return Qwen2_5_VLForConditionalGeneration(config)
    finally:
        torch.set_default_dtype(before)
