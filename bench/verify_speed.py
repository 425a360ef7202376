"""Verification by batch size against naive one-by-one generation with the same model (issue 4), in pairs a second.

The shipped base model where it is at hand, else a tiny one with random weights; every reply has 64 tokens, so that both do the same work. On the GPU where
there is one.
"""

import logging
import os
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from clock import best_seconds
from targets import Targets

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "workflow" / "scripts")]
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"


TOKENS = 64
NEVER = -1  # no token: every reply runs to its last one
SHIPPED = ROOT / "models" / "tiny-base"


def made_pairs(count: int) -> list[Any]:
    """Pairs of pictures of 56 x 56 pixels, instructions of several lengths."""
    from small_tables import picture, png
    from unicedit.verifier.reader import Pair

    return [
        Pair(
            str(number),
            png(picture(number, (56, 56))),
            png(picture(number + 1, (56, 56))),
            ("Make the ball blue. " * (number % 3 + 1), "把球变成蓝色。"),
        )
        for number in range(count)
    ]


def naive(model: Any, processor: Any, pairs: list[Any]) -> None:
    """What one writes first: a prompt, a picture pair and ``generate``, one after the other."""
    import torch

    from unicedit.verifier.chat import messages, question
    from unicedit.verifier.reader import pictures_of

    for pair in pairs:
        chat = messages(question(pair.instruction, "short", 2), 2)
        text = processor.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        inputs = processor(text=[text], images=[pictures_of(pair, "none")], return_tensors="pt").to(model.device)
        with torch.inference_mode():
            made = model.generate(**inputs, max_new_tokens=TOKENS, min_new_tokens=TOKENS, do_sample=False)
        processor.tokenizer.decode(made[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)


def main(count: int = 64, repeats: int = 3) -> None:
    """Print pairs a second for each batch size, and their ratio to naive generation. Leaves with 1 when the target is missed."""
    import torch

    from made_verifier import tiny_verifier
    from unicedit.scorers.models import device_of
    from unicedit.verifier import cpu_speed
    from unicedit.verifier.load import load_verifier
    from unicedit.verifier.reader import Reader

    device = device_of("auto")
    with tempfile.TemporaryDirectory() as folder:
        path = SHIPPED if (SHIPPED / "config.json").exists() else tiny_verifier(Path(folder) / "tiny-random")
        model, processor = load_verifier(str(path), differential="none", dtype=torch.float32, device=device)
    model.generation_config.eos_token_id = None
    pairs = made_pairs(count)
    few = pairs[: count // 4]
    alone = best_seconds(partial(naive, model, processor, few), repeats) / len(few)
    print(f"verify, {path.name}, {device}, naive one-by-one generation: {1 / alone:.1f} pairs a second of {TOKENS} tokens", flush=True)
    cpu_speed.enable()
    targets = Targets()
    for size in (1, 4, 16, 64):
        reader = Reader(model, processor, "none", "short", TOKENS, size)
        reader.end = NEVER
        rate = count / best_seconds(partial(reader.read, pairs), repeats)
        what = f"verify, {path.name}, {device}, batch {size}: {rate:.1f} pairs a second; ratio to naive"
        if size == 16:
            targets.show(what, rate * alone, at_least=3)
        else:
            print(f"{what}: {rate * alone:.2f}", flush=True)
    targets.end()


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    main()
