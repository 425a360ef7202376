"""One person's word on one thing that was shown, and the files of JSON lines that hold such words.

The files only grow. A decision is about a thing as it was shown: once a text or picture of it has changed, the decision is stale and counts no more. Of one reviewer the
latest decision on a thing counts. Where a training or a benchmark reads a file with several reviewers in it, a rejection wins; else the latest correction; else the
latest acceptance. ``settle.py`` is stricter, and writes one line a thing.
"""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from unicedit.errors import PipelineError
from unicedit.vlm.reply import chinese, clean, english

ACCEPT, REJECT, CORRECT = "accept", "reject", "correct"
DECISIONS = (ACCEPT, REJECT, CORRECT)
NAME = r"[A-Za-z0-9_.-]{1,60}"  # of a reviewer


class ReviewError(PipelineError):
    """A review that cannot be used; the message names the file, the row and what is allowed."""


def _text(value: str) -> str:
    cleaned = clean(value)
    if not 1 <= len(cleaned) <= 5000:
        raise ValueError(f"{len(cleaned)} characters, 1 to 5000 are allowed")
    return cleaned


Text = Annotated[str, AfterValidator(_text)]


class Decision(BaseModel):
    """What a reviewer decided. ``texts`` holds corrected columns by name, lists of lines as lists; which there are, the class of the thing says."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    TEXTS: ClassVar[tuple[str, ...]] = ()  # columns that can be corrected; those that end with en or cn must be in that language
    LINES: ClassVar[tuple[str, ...]] = ()  # those that hold lists of lines

    key: str = Field(min_length=1, max_length=200)
    shown: str = Field(pattern=r"^[0-9a-f]{32}$")
    decision: Literal["accept", "reject", "correct"]
    texts: dict[str, Text | list[Text]] = Field(default_factory=dict)
    reason: str = Field("", max_length=5000)
    reviewer: str = Field(pattern=rf"^{NAME}(\+{NAME}){{0,9}}$")  # those who agree, joined by +
    time: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$")
    settles: bool = False  # said in sight of other reviewers' decisions, to settle them

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name, value in self.texts.items():
            if name not in self.TEXTS:
                raise ValueError(f"{name} is no text that can be corrected; those are {', '.join(self.TEXTS)}")
            if isinstance(value, list) != (name in self.LINES):
                raise ValueError(f"{name} must be {'a list of lines' if name in self.LINES else 'one text'}")
            language = name.rpartition("_")[2]
            if language == "en" and not english(str(value)):
                raise ValueError(f"{name} holds no English text")
            if language == "cn" and not chinese(str(value)):
                raise ValueError(f"{name} holds no Chinese text")
        if bool(self.texts) != (self.decision == CORRECT):
            raise ValueError("a correction brings corrected texts" if self.decision == CORRECT else f"{self.decision} brings no texts")
        return self

    @property
    def when(self) -> str:
        """The time in a form that sorts: with six decimals of the second."""
        whole, _, rest = self.time.rstrip("Z").partition(".")
        return f"{whole}.{rest:0<6}"

    def line(self) -> bytes:
        """The decision as its file holds it, with the line's end."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True).encode() + b"\n"


Form = TypeVar("Form", bound=Decision)


def read_reviews(path: Path, form: type[Form]) -> list[Form]:
    """All decisions in a file, in its order. Raises ``ReviewError`` that names file and line, for a last line that was cut off too."""
    found, torn = read_whole(path, form)
    if torn:
        raise ReviewError(f"{path}, line {len(found) + 1}: cut off while it was written; delete that line and import again")
    return found


def read_whole(path: Path, form: type[Form]) -> tuple[list[Form], bytes]:
    """The decisions in the file's whole lines, and what was written of a last one that was cut off. Raises ``ReviewError`` that names file and line."""
    try:
        *lines, torn = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        raise ReviewError(f"{path}: no such review file; `make review` or `review_samples.py import` writes one") from None
    return [_parsed(line, form, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line.strip()], torn


def _parsed(line: bytes, form: type[Form], place: str) -> Form:
    try:
        return form.model_validate_json(line, strict=True)
    except ValidationError as error:
        raise ReviewError(f"{place}: {fault_of(error)}") from error


def fault_of(error: ValidationError) -> str:
    """The first fault in one line."""
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    message = clean(first["msg"].removeprefix("Value error, "))[:300]
    return f"{where}: {message}" if where else message


def append_reviews(path: Path, reviews: Sequence[Decision]) -> int:
    """Append the decisions that the file does not hold yet, and have the disk confirm them; returns how many were new."""
    known = {one.line() for one in read_reviews(path, type(reviews[0]))} if reviews and path.exists() else set()
    lines = dict.fromkeys(line for review in reviews if (line := review.line()) not in known)
    if lines:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as stream:
            stream.write(b"".join(lines))
            stream.flush()
            os.fsync(stream.fileno())
    return len(lines)


def latest(reviews: Iterable[Form]) -> dict[tuple[str, str], Form]:
    """The decision that counts of each thing and reviewer: the latest, of equal times the later in order."""
    found: dict[tuple[str, str], Form] = {}
    for review in reviews:
        before = found.get((review.key, review.reviewer))
        if before is None or review.when >= before.when:
            found[review.key, review.reviewer] = review
    return found


def decided(reviews: Iterable[Form]) -> dict[str, Form]:
    """The decision that counts for each thing, by the rules above; give it only decisions that are not stale."""
    found: dict[str, Form] = {}
    for review in latest(reviews).values():
        before = found.get(review.key)
        if before is None or _weight(review) > _weight(before):
            found[review.key] = review
    return found


def _weight(review: Decision) -> tuple[int, str, str]:
    return (ACCEPT, CORRECT, REJECT).index(review.decision), review.when, review.reviewer
