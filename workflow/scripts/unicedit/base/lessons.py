"""The lessons: describe, compare, answer. What is asked about which pictures, and the right answer, from the truth about the scenes.

No lesson gives one instruction that might be wrong: to judge one is what the verifier is taught later. Its question occurs with the instruction
withheld alone, for then it asks for nothing but a description and a comparison. Which of two instructions fits is asked, in words of its own.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from unicedit.base.scenes import Change, Group, drawn
from unicedit.verifier.chat import Form, reply_text
from unicedit.verifier.chat import question as question_of
from unicedit.world.apply import apply
from unicedit.world.describe import caption, described, differences, faults, ordered
from unicedit.world.faults import DAMAGE, NONE
from unicedit.world.grammar import WORDINGS, Edit, say
from unicedit.world.operations import OPERATIONS
from unicedit.world.propose import possible
from unicedit.world.scene import PLACES, Scene, Thing
from unicedit.world.words import CN, EN, thing_text

DESCRIBE = "Describe the picture."
COMPARE = "What changed from the first picture to the second?"
COMPARE_THREE = "What changed from the first picture to the second? The third shows the difference."
INSTRUCT = " Say it as an instruction too, in English and Chinese."
ENGLISH = "Say the change as an instruction."
CHINESE = "用中文说出这个修改。"
WHAT, WHERE = "What is in the {}?", "Where is {}?"
TRAITS = {
    "kind": "What kind of thing is in the {}?",
    "colour": "What colour is the thing in the {}?",
    "material": "What is the thing in the {} made of?",
    "texture": "Which pattern has the thing in the {}?",
    "size": "What size is the thing in the {}?",
    "pose": "Which pose has the thing in the {}?",
    "count": "How many are in the {}?",
    "expression": "How does the person in the {} look?",
    "hat": "Is there a hat in the {}?",
    "word": "Which word is in the {}?",
}
TO_CHINESE, TO_ENGLISH, OTHERWISE = "Say in Chinese: ", "Say in English: ", "Say in other words: "
WHICH = "Which was done?\n{}\n{}"
NEITHER = {EN: "neither", CN: "都不是"}
BOTH = "{} {}" + INSTRUCT  # an instruction as two JSON strings
NOTHING = "nothing"
QUESTIONS = (
    DESCRIBE, COMPARE, COMPARE_THREE, INSTRUCT, ENGLISH, CHINESE, TO_CHINESE, TO_ENGLISH, OTHERWISE,
    *(part.replace("{}", place) for part in (WHAT, *TRAITS.values()) for place in PLACES), "Where is", "user\n", "assistant\n",
)  # fmt: skip
NUMBERS = ("none", "one", "two", "three")
_GREY = ("grey", "sepia")


@dataclass(frozen=True, slots=True)
class Lesson:
    """A chat about pictures: ``pictures`` are numbers in the group (0: before, 1..: after that change), negative ones ``-n`` the differential
    picture of 0 and n, and ``AGAIN`` the first once more, with other flicker. ``turns``: question and answer.
    """

    kind: str  # describe, compare, report, answer, phrase, choose, text
    pictures: tuple[int, ...]
    turns: tuple[tuple[str, str], ...]
    edit: Edit | None = None


AGAIN, AGAIN_DIFFERENCE = 100, -100


def plain(scene: Scene, spoil: str = "") -> bool:
    """Whether one look at the picture shows what its caption says: colours, and which side is which."""
    return not spoil and scene.look.style != "pencil" and scene.look.tone not in _GREY and scene.look.view != "mirror"


def seen_differences(before: Scene, change: Change | None) -> list[str]:
    """The differences as the verifier's samples write them: what changed, then what is spoilt; empty without a change."""
    if change is None:
        return []
    return differences(before, ordered(change.after)) + faults(change.smear is not None, change.spoil)


def describe(group: Group, picture: int) -> Lesson:
    """One picture and its caption."""
    return Lesson("describe", (picture,), ((DESCRIBE, caption(ordered(_scene(group, picture)))),))


def shown(number: int | None, pictures: int) -> tuple[int, ...]:
    """The pictures of a comparison; ``number`` counts changes from 1, None is no edit."""
    return (0, AGAIN if number is None else number, AGAIN_DIFFERENCE if number is None else -number)[:pictures]


def compare(group: Group, number: int | None, pictures: int, lot: random.Random) -> Lesson:
    """Two pictures, or with their differential picture three: the differences, and half of the time the change as an instruction: were it asked for
    whenever it can be said, a question without it would tell that the edit is spoilt.
    """
    change = None if number is None else group.changes[number - 1]
    question, found = COMPARE if pictures == 2 else COMPARE_THREE, json.dumps(seen_differences(ordered(group.before), change))
    if change is not None and change.kind == NONE and lot.random() < 0.5:
        wording = lot.randrange(WORDINGS)
        question, found = question + INSTRUCT, f"{found}\n{say(change.edit, EN, wording)}\n{say(change.edit, CN, wording)}"
    return Lesson("compare", shown(number, pictures), ((question, found),), None if change is None else change.edit)


def report(group: Group, number: int | None, pictures: int, form: Form, wording: int) -> Lesson | None:
    """The same in the words of the verifier's blind question, whose instruction is withheld: captions, differences, instruction as JSON.

    None for damage beside an edit: without the instruction nobody can tell it from an edit of two things.
    """
    change = None if number is None else group.changes[number - 1]
    if change is not None and change.kind == DAMAGE and change.smear is None:
        return None
    before = ordered(group.before)
    after = before if change is None else ordered(change.after)
    valid = change is not None and change.kind == NONE
    told = (say(change.edit, EN, wording), say(change.edit, CN, wording)) if change is not None and valid else ("", "")
    captions = (caption(before), caption(after)) if form == "full" else None
    text = reply_text(seen_differences(before, change), valid, told, captions)
    return Lesson(
        "report",
        shown(number, pictures),
        ((question_of(None, form, 2 if pictures == 2 else 3), text),),
        None if change is None else change.edit,
    )


def phrase(group: Group, number: int, pictures: int, lot: random.Random) -> Lesson:
    """The change as an instruction, straight from the pictures, in one language."""
    change = group.changes[number - 1]
    question, language = lot.choice(((ENGLISH, EN), (CHINESE, CN)))
    return Lesson("phrase", shown(number, pictures), ((question, say(change.edit, language, lot.randrange(WORDINGS))),), change.edit)


def answer(group: Group, picture: int, lot: random.Random, count: int = 6) -> Lesson:
    """One picture and several questions about it, of all places and traits that can be seen."""
    scene = _scene(group, picture)
    asked: list[tuple[str, str]] = [(WHAT.format(place), _what(scene.at(place))) for place in PLACES]
    for thing in scene.things:
        asked.append((WHERE.format(thing_text(thing.name, EN)), thing.place))
        asked += [(question.format(thing.place), _trait(thing, trait)) for trait, question in TRAITS.items() if _has(thing, trait)]
    return Lesson("answer", (picture,), tuple(lot.sample(asked, min(count, len(asked)))))


def answer_both(group: Group, number: int | None, pictures: int, lot: random.Random, count: int = 6) -> Lesson:
    """Two pictures, or three, and several questions about places and traits, each answered for both pictures: a line for the first, a line for the
    second. More to learn from a pair than its one difference. ``number`` is None for no edit.
    """
    before, after = group.before, group.before if number is None else group.changes[number - 1].after
    asked: list[tuple[str, str]] = []
    for place in PLACES:
        first, second = before.at(place), after.at(place)
        asked.append((WHAT.format(place), f"{_what(first)}\n{_what(second)}"))
        if first is not None and second is not None:
            asked += [
                (question.format(place), f"{_trait(first, trait)}\n{_trait(second, trait)}")
                for trait, question in TRAITS.items()
                if _has(first, trait) and _has(second, trait)
            ]
    return Lesson("answer", shown(number, pictures), tuple(lot.sample(asked, min(count, len(asked)))))


def translate(edit: Edit, lot: random.Random, pictures: tuple[int, ...] = ()) -> Lesson:
    """An instruction as a text to work on: given back, said in the other language or in other words. Beside ``pictures`` it has nothing to do with them: what
    a question says must be found again among what pictures show.
    """
    wording, choice = lot.randrange(WORDINGS), lot.random()
    english, chinese = say(edit, EN, wording), say(edit, CN, wording)
    language = lot.choice((EN, CN))
    told, to_own, other, to_other = (
        (english, TO_ENGLISH, chinese, TO_CHINESE) if language == EN else (chinese, TO_CHINESE, english, TO_ENGLISH)
    )
    if choice < 0.3:
        turn = (to_own + told, told)
    elif choice < 0.5:
        turn = (BOTH.format(json.dumps(english), json.dumps(chinese, ensure_ascii=False)), f"{english}\n{chinese}")
    elif choice < 0.85:
        turn = (to_other + told, other)
    else:
        turn = (OTHERWISE + told, say(edit, language, wording + 1))
    return Lesson("text", pictures, (turn,), edit)


def choose(group: Group, number: int | None, pictures: int, lot: random.Random) -> Lesson | None:
    """Which of two instructions was carried out: that one, or, where neither was, so, and what was done instead. What a question says is to be held
    against what pictures show.

    The others are further edits of the same scene, half of them by the same operation. None where too few were found, and for a spoilt edit.
    """
    change = None if number is None else group.changes[number - 1]
    if change is not None and change.kind != NONE:
        return None
    wording, language = lot.randrange(WORDINGS), lot.choice((EN, CN))
    done = "" if change is None else say(change.edit, language, wording)
    right = change is not None and lot.random() < 0.7
    offered = {done} if right else set()
    for other in _others(group, change, lot):
        text = say(other, language, wording)
        if text != done:
            offered.add(text)
        if len(offered) == 2:
            question = WHICH.format(*lot.sample(sorted(offered), 2))
            found = done if right else f"{NEITHER[language]}\n{done}".rstrip()
            turns = ((question, found),)
            return (
                Lesson("choose", shown(number, pictures), turns, change.edit) if change else Lesson("answer", shown(None, pictures), turns)
            )
    return None


def _others(group: Group, change: Change | None, lot: random.Random) -> Iterator[Edit]:
    """Edits of the scene that were not made; none of them leads to a held-out composition that the group does not show already."""
    shown_already = [other.edit for other in group.changes if other is not change]
    lot.shuffle(shown_already)
    near = change is not None and lot.random() < 0.5
    if near and change is not None and change.edit.operation in OPERATIONS:
        for _ in range(4):
            edit = drawn(group.before, change.edit.operation, lot, "train")
            if edit is not None and apply(edit, group.before) != change.after:
                yield edit
    for edit in shown_already:
        if change is None or not possible(edit, group.before) or apply(edit, group.before) != change.after:
            yield edit


def _scene(group: Group, picture: int) -> Scene:
    return group.before if picture == 0 else group.changes[picture - 1].after


def _what(thing: Thing | None) -> str:
    return NOTHING if thing is None else described(thing)


def _has(thing: Thing, trait: str) -> bool:
    if trait in ("expression", "hat"):
        return thing.kind == "person"
    return trait != "word" or thing.kind == "sign"


def _trait(thing: Thing, trait: str) -> str:
    value = getattr(thing, trait)
    if trait == "count":
        return NUMBERS[value]
    if trait == "hat":
        return "yes" if value else "no"
    return str(value)


def lessons_of(group: Group, lot: random.Random) -> Sequence[Lesson]:
    """One visit's lessons about a group: every change and no change compared, half of them with the differential picture; the rest by lot."""
    found = [_compared(group, number, lot) for number in (*range(1, len(group.changes) + 1), None)]
    if group.changes:
        beside = shown(lot.choice((*range(1, len(group.changes) + 1), None)), lot.choice((1, 2, 3)))
        if lot.random() < 0.4:
            found.append(translate(lot.choice(group.changes).edit, lot, beside))
        made = range(1, len(group.changes) + 1)
        chosen = choose(group, lot.choice((*made, *made, None)), lot.choice((2, 3)), lot)
        if chosen is not None:
            found.append(chosen)
    visible = [0] + [number for number, change in enumerate(group.changes, 1) if plain(change.after, change.spoil)]
    if plain(group.before):
        if lot.random() < 0.5:
            found.append(describe(group, lot.choice(visible)))
        found.append(answer(group, lot.choice(visible), lot))
        found.append(answer_both(group, lot.choice([*visible[1:], None]), lot.choice((2, 3)), lot))
    return found


def questions_of(group: Group, lot: random.Random) -> Sequence[Lesson]:
    """One visit's questions alone, about two pictures that can be seen well and a pair: what is where, before anything is compared."""
    if not plain(group.before):
        return []
    seen = [number for number, change in enumerate(group.changes, 1) if plain(change.after, change.spoil)]
    found = [answer(group, number, lot, 8) for number in (0, *lot.sample(seen, min(1, len(seen))))]
    return [*found, answer_both(group, lot.choice([*seen, None]), lot.choice((2, 3)), lot, 8)]


def _compared(group: Group, number: int | None, lot: random.Random) -> Lesson:
    pictures = lot.choice((2, 3))
    how = lot.random()
    lesson = report(group, number, pictures, "full" if how < 0.4 else "short", lot.randrange(WORDINGS)) if how < 0.75 else None
    if lesson is None and how > 0.93 and number is not None and group.changes[number - 1].kind == NONE:
        return phrase(group, number, pictures, lot)
    return lesson or compare(group, number, pictures, lot)
