"""The base model's tokenizer: Qwen's own kind, with a small vocabulary learned on all texts of the world, and the processor around it."""

import json
import random
from collections.abc import Iterable, Iterator
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import Qwen2Tokenizer
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

from unicedit.base.lessons import lessons_of
from unicedit.base.phrases import mended, phrases
from unicedit.base.scenes import group_of, numbers
from unicedit.verifier.chat import question, reply_text
from unicedit.world.describe import caption, differences
from unicedit.world.grammar import say
from unicedit.world.words import CN, EN, FORMS

SPECIAL = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip
MERGED = 640  # tokens before the phrases: 256 bytes, the special ones, and words
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def corpus(groups: int = 1500) -> Iterator[str]:
    """Texts of the world in which every word occurs: lessons, questions and replies of the verifier, all values in all forms."""
    for language in (EN, CN):
        for texts in FORMS[language].values():
            yield from (f"the {text} {text}." for text in texts.values())
    for number, _ in zip(numbers("train", 0), range(groups), strict=False):
        group = group_of(number, "train")
        lot = random.Random(number)
        for lesson in lessons_of(group, lot):
            yield from (text for turn in lesson.turns for text in turn)
        for change in group.changes:
            english, chinese = say(change.edit, EN, number), say(change.edit, CN, number)
            yield question((english, chinese), "full", 2)
            captions = caption(group.before), caption(change.after)
            yield reply_text(differences(group.before, change.after), True, (english, chinese), captions)
    yield "user\nassistant\nsystem\n yes no"


def tokenizer(texts: Iterable[str]) -> Qwen2Tokenizer:
    """A tokenizer for the texts; the world's fixed phrases are tokens of their own, any other text falls into words or bytes."""
    whole = Tokenizer(models.BPE())
    whole.normalizer = normalizers.NFC()
    whole.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    whole.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=MERGED, special_tokens=list(SPECIAL), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    whole.train_from_iterator(mended(texts), trainer)
    learned = json.loads(whole.to_str())["model"]
    made = Qwen2Tokenizer(
        vocab=learned["vocab"],
        merges=[tuple(merge) for merge in learned["merges"]],
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(SPECIAL[1:]),
    )
    made.add_tokens([AddedToken(phrase, normalized=False) for phrase in phrases()])
    return made


def chat(turns: Iterable[tuple[str, str]], image_tokens: Iterable[int]) -> str:
    """A chat as ``TEMPLATE`` and the processor write it, with as many image tokens for each picture."""
    pictures = "".join(f"<|vision_start|>{'<|image_pad|>' * count}<|vision_end|>" for count in image_tokens)
    text = ""
    for question_text, answer_text in turns:
        text += f"<|im_start|>user\n{pictures}{question_text}<|im_end|>\n<|im_start|>assistant\n{answer_text}<|im_end|>\n"
        pictures = ""
    return text


def ids_of(made: Any, texts: list[str]) -> list[list[int]]:
    """Token numbers of whole chats."""
    return list(made(texts, add_special_tokens=False)["input_ids"])
