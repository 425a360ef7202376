"""The world's fixed phrases, each one token of the base model's tokenizer: texts stay short, and words that vary stay tokens of their own."""

import json
import re
from collections.abc import Iterable, Iterator

from unicedit.base.lessons import QUESTIONS
from unicedit.verifier.chat import question
from unicedit.world.describe import MATERIALS_OF, POSES_EN
from unicedit.world.operations import OPERATIONS
from unicedit.world.photos import PHOTOS
from unicedit.world.scene import EXPRESSIONS, PLACES, SIZES, TEXTURES
from unicedit.world.words import (
    CN,
    COLOUR_CN,
    EN,
    FORMS,
    GRAIN_EN,
    KIND_CN,
    NUMBER_EN,
    STYLE_EN,
    TONE_EN,
    VIEW_EN,
    article,
)  # fmt: skip

_SLOT = re.compile(r"\{\w+(?::\w+)?\}")

REPLY = (
    '{"source_caption": "', '", "edit_caption": "', '", "differences": ', '{"differences": ', '["', '", "', '"], "is_changed": ',
    "[]", ', "is_changed": ', ', "instruction_en": "', '", "instruction_cn": "', '"}', '"]', '\\"',
)  # fmt: skip
DESCRIBED = (
    "A photograph", "A plain white picture", ", showing", " in the style of", " tone", " seen from close by", " seen from farther away",
    " with a blurred background", " with the texture of", " colour cast", " with the caption", " wearing a black hat", ' reading "',
    ' reading \\"', " of them)", "The background now shows", "The background is now plain white.", "The picture is now", "There is now",
    " is now", " is gone.", "A patch of the picture is smeared.", "The whole picture is", " broken into blocks", " covered with noise",
    " reduced to a few harsh colours", "No difference but faint noise.", " person in", " people in",
)  # fmt: skip


def phrases() -> list[str]:
    """All phrases of more than one word, longest first; Chinese words too, for Chinese has no spaces to part them."""
    found = {*REPLY, *DESCRIBED, *_questions(), *_instructions()}
    found |= {f" in the {place}" for place in PLACES}
    found |= {f" {text}" for text in (*MATERIALS_OF.values(), *POSES_EN.values())}
    found |= {f" with {article(texture)} pattern" for texture in TEXTURES[1:]}
    found |= {f" looking {expression}" for expression in EXPRESSIONS} | {f" which is {size}" for size in SIZES}
    found |= {f" ({number} of them)" for number in NUMBER_EN.values()}
    found |= {f" in the style of {style}" for style in STYLE_EN.values()} | {f" in {article(tone)} tone" for tone in TONE_EN.values()}
    found |= {f" seen {view}" for view in VIEW_EN.values()} | {f" with the texture of {grain}" for grain in GRAIN_EN.values()}
    found |= {f" of {photo.en}" for photo in PHOTOS.values()}
    return sorted((text for text in found if _several(text)), key=lambda text: (-len(text), text))


def _several(text: str) -> bool:
    """Whether the text is more than one English word, or Chinese, or a piece of JSON."""
    return len(text.strip()) > 0 and (not text.isascii() or not text.strip().isalpha())


def _questions() -> Iterator[str]:
    yield from QUESTIONS
    for form in ("full", "short"):
        for pictures in (2, 3):
            yield from (part for part in question(None, form, pictures).split(" withheld"))
            yield " withheld" + question(None, form, pictures).split(" withheld")[1]
    yield '" "'


def _instructions() -> Iterator[str]:
    for operation in OPERATIONS.values():
        for wording in (*operation.en, *operation.cn):
            for part in _SLOT.split(wording):
                yield from _cases(part.rstrip() if part.isascii() else part, first=wording.startswith(part))
    yield from (", and then", "，然后")
    for form, texts in FORMS[EN].items():
        if form not in ("thing", "a", "many"):
            yield from (f" {text}" for text in texts.values() if " " in text)
            yield from (text for text in texts.values() if " " in text)
    for form, texts in FORMS[CN].items():
        if form not in ("thing", "a", "many"):
            yield from (text for text in texts.values() if not text.isascii())
    yield from (*COLOUR_CN.values(), *KIND_CN.values(), "穿", "衣服的人", "的", "一个")


def _cases(part: str, first: bool) -> Iterator[str]:
    """A part of a wording; as it is, within JSON, and at the head of a compound's second half."""
    for text in {part, json.dumps(part, ensure_ascii=False)[1:-1]}:
        yield text
        if first and text and text[0].isascii():
            yield f" {text[0].lower()}{text[1:]}"
        if text.endswith((".", "。")) and len(text) > 1:
            yield text[:-1]


def mended(texts: Iterable[str]) -> list[str]:
    """The texts with phrases cut out: what remains for the byte-pair merges to learn."""
    pattern = re.compile("|".join(map(re.escape, phrases())))
    return [piece for text in texts for piece in pattern.split(text) if piece.strip()]
