"""Edits as typed objects, said in English or Chinese, and read back from the text."""

import re
from dataclasses import dataclass
from functools import lru_cache

from unicedit.world.operations import COMPOUND, OPERATIONS
from unicedit.world.words import CN, EN, FORMS, LANGUAGES

MAX_TEXT = 600  # characters: the longest wording stays far below
_SLOT = re.compile(r"\{(\w+)(?::(\w+))?\}")
_JOINT = {EN: ", and then ", CN: "，然后"}


class Unreadable(ValueError):
    """A text that is no instruction of the world's grammar."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit: an operation and its slots' values in the operation's order; or, with ``parts``, two edits one after the other."""

    operation: str
    values: tuple[str, ...] = ()
    parts: tuple["Edit", ...] = ()

    @property
    def subtask(self) -> str:
        """The sub-task it serves, as in the taxonomy."""
        return COMPOUND if self.parts else OPERATIONS[self.operation].subtask

    @property
    def slots(self) -> dict[str, str]:
        """Its values by slot."""
        return {} if self.parts else dict(zip(OPERATIONS[self.operation].slots, self.values, strict=True))

    def things(self) -> set[str]:
        """Names of the things it mentions, that are there before the edit."""
        if self.parts:
            return set().union(*(part.things() for part in self.parts))
        forms = OPERATIONS[self.operation].slots
        return {value for slot, value in self.slots.items() if forms[slot] == "thing"}


def edit(operation: str, **slots: str) -> Edit:
    """An edit by slot names; ``KeyError`` where one is missing or its value unknown."""
    forms = OPERATIONS[operation].slots
    if set(slots) != set(forms):
        raise KeyError(f"{operation} takes the slots {sorted(forms)}, not {sorted(slots)}")
    for slot, form in forms.items():
        FORMS[EN][form][slots[slot]]
    return Edit(operation, tuple(slots[slot] for slot in forms))


def compound(first: Edit, second: Edit) -> Edit:
    """Two edits, one after the other."""
    return Edit("compound", parts=(first, second))


WORDINGS = 6  # the least common multiple of two and three: so many seeds give each wording of each operation


def say(what: Edit, language: str, seed: int = 0) -> str:
    """The edit as an instruction in ``en`` or ``cn``; ``seed`` chooses among its wordings."""
    if what.parts:
        first, second = (say(part, language, seed) for part in what.parts)
        if language == CN:
            return first.rstrip("。") + _JOINT[CN] + second
        return first.rstrip(".") + _JOINT[EN] + second[0].lower() + second[1:]
    operation = OPERATIONS[what.operation]
    wordings = operation.en if language == EN else operation.cn
    slots = what.slots

    def filled(match: re.Match[str]) -> str:
        slot = match.group(1)
        return FORMS[language][match.group(2) or operation.slots[slot]][slots[slot]]

    text = _SLOT.sub(filled, wordings[seed % len(wordings)])
    return text[0].upper() + text[1:]


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[str, str, re.Pattern[str], list[tuple[str, str]]]]:
    """Each wording as a pattern: operation, language, pattern, slot and form of each group."""
    patterns = []
    for name, operation in OPERATIONS.items():
        for language in LANGUAGES:
            for wording in operation.en if language == EN else operation.cn:
                parts, groups, end = [], [], 0
                for match in _SLOT.finditer(wording):
                    form = match.group(2) or operation.slots[match.group(1)]
                    texts = sorted(FORMS[language][form].values(), key=len, reverse=True)
                    parts += [re.escape(wording[end : match.start()]), "(" + "|".join(map(re.escape, texts)) + ")"]
                    groups.append((match.group(1), form))
                    end = match.end()
                parts.append(re.escape(wording[end:].rstrip(".。")))
                patterns.append((name, language, re.compile("".join(parts), re.IGNORECASE), groups))
    return patterns


@lru_cache(maxsize=1)
def _values() -> dict[tuple[str, str], dict[str, str]]:
    return {
        (language, form): {text.lower(): value for value, text in texts.items()}
        for language, forms in FORMS.items()
        for form, texts in forms.items()
    }


def read(text: str) -> Edit:
    """The edit that an English or Chinese instruction asks for. ``Unreadable`` for a text that is none of the world's."""
    if len(text) > MAX_TEXT:
        raise Unreadable(f"an instruction has at most {MAX_TEXT} characters, this one {len(text)}")
    plain = " ".join(text.split()).rstrip(".。")
    for joint in _JOINT.values():
        first, found, second = plain.partition(joint)
        if found:
            return compound(_read_one(first), _read_one(second))
    return _read_one(plain)


def _read_one(text: str) -> Edit:
    for name, language, pattern, groups in _patterns():
        match = pattern.fullmatch(text)
        if match is None:
            continue
        slots: dict[str, str] = {}
        for (slot, form), written in zip(groups, match.groups(), strict=True):
            value = _values()[language, form][written.lower()]
            if slots.setdefault(slot, value) != value:
                break
        else:
            return edit(name, **slots)
    raise Unreadable(f"not an instruction of the simulated world: {text[:80]!r}")
