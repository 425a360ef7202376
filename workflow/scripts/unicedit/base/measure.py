"""How well the base model does its lessons: the share of answers that it would give word for word, by kind of lesson."""

import random
from collections import Counter
from typing import Any

import numpy as np
import torch

from unicedit.base.feed import Feed
from unicedit.base.lessons import (
    CHINESE,
    ENGLISH,
    INSTRUCT,
    NEITHER,
    TO_CHINESE,
    TO_ENGLISH,
    Lesson,
    answer,
    choose,
    compare,
    describe,
    plain,
    report,
    shown,
)  # fmt: skip
from unicedit.base.model import token_grid, tokens_of
from unicedit.base.saying import Writer, logits_of, visit
from unicedit.base.scenes import Group
from unicedit.world.faults import NONE, QUALITY
from unicedit.world.grammar import WORDINGS, say
from unicedit.world.photos import PHOTOS
from unicedit.world.scene import held_out
from unicedit.world.words import CN, EN

_LANGUAGES = ((ENGLISH, EN), (CHINESE, CN))


def asked(group: Group, lot: random.Random) -> list[tuple[str, list[Lesson]]]:
    """Names of questions to a group, each with lessons whose answers are all right (wordings of one instruction)."""
    found: list[tuple[str, list[Lesson]]] = []
    for pictures in (2, 3):
        for number in (*range(1, len(group.changes) + 1), None):
            change = None if number is None else group.changes[number - 1]
            kind = "no edit" if change is None else {NONE: "edit", QUALITY: "spoilt"}.get(change.kind, "damage")
            lesson = compare(group, number, pictures, lot)
            question, text = lesson.turns[0]
            bare = (question.removesuffix(INSTRUCT), text.splitlines()[0])
            found.append((f"compare {pictures}, {kind}", [Lesson("compare", lesson.pictures, (bare,), lesson.edit)]))
            reports = [report(group, number, pictures, "short", wording) for wording in range(WORDINGS)]
            if reports[0] is not None:
                texts = {one.turns: one for one in reports if one is not None}
                found.append((f"report {pictures}, {kind}", list(texts.values())))
            if change is not None and change.kind == NONE:
                for question, language in _LANGUAGES:
                    said = dict.fromkeys(say(change.edit, language, wording) for wording in range(WORDINGS))
                    lessons = [Lesson("phrase", lesson.pictures, ((question, text),), change.edit) for text in said]
                    found.append((f"instruct {pictures}, {language}", lessons))
                    if pictures == 3 and language == EN:
                        found.append((f"operation {change.edit.operation}", lessons))
    for number, change in enumerate(group.changes, 1):
        told, beside = say(change.edit, EN, lot.randrange(WORDINGS)), shown(number, 2)
        found.append(("text given back", [Lesson("text", beside, ((TO_ENGLISH + told, told),), change.edit)]))
        others = dict.fromkeys(say(change.edit, CN, wording) for wording in range(WORDINGS))
        found.append(("text translated", [Lesson("text", beside, ((TO_CHINESE + told, other),), change.edit) for other in others]))
    for pictures in (2, 3):
        for number in (*range(1, len(group.changes) + 1), None):
            chosen = choose(group, number, pictures, lot)
            if chosen is not None:
                found.append(
                    (
                        f"choose {pictures}, " + ("neither" if chosen.turns[0][1].startswith(tuple(NEITHER.values())) else "one of two"),
                        [chosen],
                    )
                )
    if plain(group.before):
        found.append(("describe", [describe(group, 0)]))
        whole = answer(group, 0, lot, 99)
        found += [(f"answer {_trait(question)}", [Lesson("answer", (0,), ((question, text),))]) for question, text in whole.turns]
    return found


def _trait(question: str) -> str:
    return question.split(" the ")[0].removesuffix(" is").lower()


@torch.no_grad()  # type: ignore[untyped-decorator]
def measure(
    model: Any, feed: Feed, processor: Any, tokenizer: Any, seed: int = 0, held: bool | None = None
) -> dict[str, tuple[float, int]]:
    """Share of right answers and number of questions by kind. The name of the photograph in a caption does not count: it is none that was learned.

    ``held`` True or False: only groups with or without held-out compositions.
    """
    model.eval()
    right: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    writer, lot, source = Writer(tokenizer), random.Random(seed), np.random.default_rng(seed)
    names = {number for photo in PHOTOS.values() for number in tokenizer.encode(f" of {photo.en}")}
    for kept in [kept for each in feed.by_size.values() for kept in each]:
        group = kept.group
        if held is not None and held != any(map(held_out, (group.before, *(change.after for change in group.changes)))):
            continue
        questions = asked(group, lot)
        flat = [lesson for _, lessons in questions for lesson in lessons]
        seen = visit(feed, [kept], [flat], source)
        tokens = tokens_of(model.model.visual, seen.pictures, processor)
        hits = [False] * len(flat)
        for part in (one.to(tokens.device) for one in writer.chats(seen.lessons, seen.places, token_grid(seen.pictures), 64)):
            logits, wanted = logits_of(model, tokens, part, writer.image)
            same = logits.argmax(-1) == wanted
            named = torch.tensor([token in names for token in wanted.tolist()], device=wanted.device)
            lengths = (part.labels[:, 1:] != -100).sum(1).tolist()
            for number, row, name in zip(part.numbers, same.split(lengths), named.split(lengths), strict=True):
                hits[number] = bool((row | name).all() if flat[number].kind == "describe" else row.all())
        place = 0
        for name, lessons in questions:
            counts[name] += 1
            right[name] += any(hits[place : place + len(lessons)])
            place += len(lessons)
    return {name: (right[name] / count, count) for name, count in sorted(counts.items())}
