"""One reviewer at one queue: what each row shows, where to go on, and what becomes of a decision."""

import io
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from PIL import Image, UnidentifiedImageError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unicedit.review.decision import CORRECT, Decision, ReviewError, fault_of
from unicedit.review.item import Item, Queue, Text
from unicedit.review.journal import Journal

FORMATS = {"PNG": "image/png", "WEBP": "image/webp", "JPEG": "image/jpeg"}
PICTURES = ("before", "after")


class Changed(ReviewError):
    """What is decided on is not what was shown."""


class _Said(BaseModel):
    """What the page sends. ``texts`` are all that could be changed, changed or not."""

    model_config = ConfigDict(extra="forbid")

    shown: str = Field(max_length=100)
    decision: str = Field(max_length=20)
    texts: dict[str, str] = Field(default_factory=dict, max_length=50)
    reason: str = Field("", max_length=5000)


class Session:
    """Rows are numbered from 0, in the queue's order. ``keys`` are those shown; with ``others`` (decisions by key) they are shown to be settled."""

    def __init__(self, queue: Queue, keys: Sequence[str], journal: Journal, others: Mapping[str, Sequence[Decision]] | None = None) -> None:
        self.keys, self.reviewer, self.settles = tuple(keys), journal.reviewer, others is not None
        self._journal, self._others = journal, others or {}
        self._item = lru_cache(maxsize=8)(queue.item)  # a page asks for the row and for both its pictures
        self._mine: dict[str, Decision] = {}
        self._last = -1
        places = {key: number for number, key in enumerate(self.keys)}
        said = [one for one in journal.decisions if one.key in places and one.settles == self.settles]
        now = queue.shown({one.key for one in said})
        self.stale = len({one.key for one in said} - {one.key for one in said if now.get(one.key) == one.shown})
        for one in said:
            if now.get(one.key) == one.shown:
                self._mine[one.key], self._last = one, places[one.key]

    @property
    def decided(self) -> int:
        """Rows with a decision of this reviewer that holds."""
        return len(self._mine)

    def next_after(self, number: int) -> int | None:
        """The first undecided row after ``number``, then from the start; None where all are decided."""
        ahead = [*range(number + 1, len(self.keys)), *range(min(number + 1, len(self.keys)))]
        return next((one for one in ahead if self.keys[one] not in self._mine), None)

    def start(self) -> int:
        """Where the reviewer goes on: after the last decision, skipped rows at the end; the last row where all are decided."""
        found = self.next_after(self._last)
        return len(self.keys) - 1 if found is None else found

    def row(self, number: int) -> dict[str, Any]:
        """All that the page shows of a row, as JSON values; pictures by their place under ``pictures/``. Raises ``IndexError``."""
        item = self._shown(number)
        sizes = {name: picture.size for name in PICTURES if (picture := _opened(item, name))}
        (width, height), (edit_width, edit_height) = (sizes.get(name, (None, None)) for name in PICTURES)
        mine = self._mine.get(item.key)
        return {
            "number": number,
            "key": item.key,
            "shown": item.shown,
            "heading": item.heading,
            "claim": item.claim,
            "texts": [_text(text) for text in item.texts],
            "facts": [list(pair) for pair in item.facts],
            **{name: f"{number}/{name}?{item.shown}" for name in sizes},
            "image_width": width,
            "image_height": height,
            "edit_width": edit_width,
            "edit_height": edit_height,
            "mine": None if mine is None else _word(mine),
            "others": [_word(one) for one in self._others.get(item.key, ())],
            "undo": None if self._last < 0 else self._last,
            "next": self.next_after(number),
            **self._progress(),
        }

    def picture(self, number: int, name: str) -> tuple[bytes, str]:
        """A picture as it is stored, and its media type. Raises ``IndexError``, ``KeyError``."""
        item = self._shown(number)
        opened = _opened(item, name) if name in PICTURES else None
        if opened is None:
            raise KeyError(name)
        return getattr(item, name), FORMATS[str(opened.format)]

    def decide(self, number: int, body: bytes) -> dict[str, Any]:
        """Record what the page sent, and say where to go on. The answer may be given when this returns: the disk has the decision.

        Raises ``IndexError``, ``Changed`` where the row was another when it was shown, ``ReviewError`` for what is no decision.
        """
        item = self._shown(number)
        try:
            said = _Said.model_validate_json(body)
        except ValidationError as error:
            raise ReviewError(fault_of(error)) from error
        if said.shown != item.shown:
            raise Changed("this row has changed since it was shown; load the page again")
        texts = _changed(item, said.texts, self._journal.form.LINES) if said.decision == CORRECT else {}
        if said.decision == CORRECT and not texts:
            raise ReviewError("no text was changed; accept it, or change what is wrong")
        made = self._journal.add(item.key, item.shown, said.decision, texts=texts, reason=said.reason, settles=self.settles)
        self._mine[item.key], self._last = made, number
        return {"next": self.next_after(number), "undo": number, **self._progress()}

    def _progress(self) -> dict[str, int]:
        return {"of": len(self.keys), "decided": self.decided}

    def _shown(self, number: int) -> Item:
        if not 0 <= number < len(self.keys):
            raise IndexError(number)
        return self._item(self.keys[number])


def _opened(item: Item, name: str) -> Image.Image | None:
    """The picture's header; None where there is no picture, or nothing that is one: the page shows the row without it."""
    data: bytes | None = getattr(item, name)
    try:
        return None if data is None else Image.open(io.BytesIO(data), formats=tuple(FORMATS))
    except (UnidentifiedImageError, Image.DecompressionBombError):
        return None


def _text(text: Text) -> dict[str, Any]:
    lines = isinstance(text.value, tuple)
    value = "\n".join(text.value) if isinstance(text.value, tuple) else text.value
    return {"name": text.name, "title": text.title, "value": value, "lines": lines, "language": text.language, "absent": text.absent}


def _word(decision: Decision) -> dict[str, Any]:
    """A decision as the page shows it: lists of lines as one text."""
    texts = {name: "\n".join(value) if isinstance(value, list) else value for name, value in decision.texts.items()}
    return {"reviewer": decision.reviewer, "decision": decision.decision, "reason": decision.reason, "time": decision.time, "texts": texts}


def _changed(item: Item, texts: Mapping[str, str], lines: Sequence[str]) -> dict[str, str | list[str]]:
    """The texts that differ in more than white space. Raises ``ReviewError`` for one that is not there or was emptied."""
    found: dict[str, str | list[str]] = {}
    by_name = {text.name: text for text in item.texts}
    for name, said in texts.items():
        text = by_name.get(name)
        if text is None or text.value is None:
            raise ReviewError(f"{name[:60]} is no text of this row; reject it instead")
        value = "\n".join(text.value) if isinstance(text.value, tuple) else text.value
        if said.split() == value.split():
            continue
        if not said.strip():
            raise ReviewError(f"{text.title}: was emptied; reject the row instead, or give the right text")
        found[name] = [line for line in said.splitlines() if line.strip()] if name in lines else said
    return found
