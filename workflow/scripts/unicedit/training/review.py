"""What people said of samples: the review file, and what follows from it.

The file holds one JSON object a line and only grows. A review is about a sample as it was shown (``shown_digest``): once a text or picture of the sample has changed, the
review is stale and counts no more. Of one reviewer the latest review of a sample counts. Between reviewers a rejection wins; else the latest correction; else the latest
acceptance.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from unicedit.errors import PipelineError
from unicedit.files import digest_of
from unicedit.map.stage import Row
from unicedit.training.schema import NORMAL, REVIEWED
from unicedit.vlm.reply import chinese, clean, english

LINES = ("differences", "rejected_differences")  # columns that hold lists of lines
TEXTS = ("given_en", "given_cn", "true_en", "true_cn", "rejected_en", "rejected_cn", "source_caption", "edit_caption", *LINES)
ACCEPT, REJECT, CORRECT = "accept", "reject", "correct"


class ReviewError(PipelineError):
    """A review that cannot be used; the message names the file, the row and what is allowed."""


def _text(value: str) -> str:
    cleaned = clean(value)
    if not 1 <= len(cleaned) <= 5000:
        raise ValueError(f"{len(cleaned)} characters, 1 to 5000 are allowed")
    return cleaned


class Review(BaseModel):
    """One person's word on one sample. ``texts`` holds corrected columns by name, lists of lines as lists."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field(min_length=1, max_length=200)
    shown: str = Field(pattern=r"^[0-9a-f]{32}$")
    decision: Literal["accept", "reject", "correct"]
    texts: dict[str, Annotated[str, AfterValidator(_text)] | list[Annotated[str, AfterValidator(_text)]]] = Field(default_factory=dict)
    reason: str = Field("", max_length=5000)
    reviewer: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,60}$")
    time: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$")

    @model_validator(mode="after")
    def _fits(self) -> "Review":
        for name, value in self.texts.items():
            if name not in TEXTS:
                raise ValueError(f"{name} is no text that can be corrected; those are {', '.join(TEXTS)}")
            if isinstance(value, list) != (name in LINES):
                raise ValueError(f"{name} must be {'a list of lines' if name in LINES else 'one text'}")
            if name.endswith("_en") and not english(str(value)):
                raise ValueError(f"{name} holds no English text")
            if name.endswith("_cn") and not chinese(str(value)):
                raise ValueError(f"{name} holds no Chinese text")
        if bool(self.texts) != (self.decision == CORRECT):
            raise ValueError("a correction brings corrected texts" if self.decision == CORRECT else f"{self.decision} brings no texts")
        return self


def shown_digest(sample: Mapping[str, Any]) -> str:
    """32 hexadecimal digits of all that a reviewer is shown of a sample."""
    values = [sample[name] for name in REVIEWED]
    return digest_of([hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else value for value in values])


def read_reviews(path: Path) -> list[Review]:
    """All reviews in a file, in its order. Raises ``ReviewError`` that names file and line."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        raise ReviewError(f"{path}: no such review file; `review_samples.py import` writes it") from None
    if lines[-1]:
        raise ReviewError(f"{path}, line {len(lines)}: cut off while it was written; delete that line and import again")
    return [_parsed(line, f"{path}, line {number}") for number, line in enumerate(lines[:-1], 1) if line.strip()]


def _parsed(line: bytes, place: str) -> Review:
    try:
        return Review.model_validate_json(line, strict=True)
    except ValidationError as error:
        raise ReviewError(f"{place}: {fault_of(error)}") from error


def fault_of(error: ValidationError) -> str:
    """The first fault in one line."""
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    message = clean(first["msg"].removeprefix("Value error, "))[:300]
    return f"{where}: {message}" if where else message


def append_reviews(path: Path, reviews: Sequence[Review]) -> int:
    """Append the reviews that the file does not hold yet, and have the disk confirm them; returns how many were new."""
    known = set(read_reviews_lines(path)) if path.exists() else set()
    lines = dict.fromkeys(line for review in reviews if (line := _line(review)) not in known)
    if lines:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as stream:
            stream.write(b"".join(line + b"\n" for line in lines))
            stream.flush()
            os.fsync(stream.fileno())
    return len(lines)


def read_reviews_lines(path: Path) -> list[bytes]:
    """The file's reviews as lines, each written the one way it is written here."""
    return [_line(review) for review in read_reviews(path)]


def _line(review: Review) -> bytes:
    return json.dumps(review.model_dump(mode="json"), ensure_ascii=False, sort_keys=True).encode()


def decided(reviews: Iterable[Review]) -> dict[str, Review]:
    """The review that counts for each sample, by the rules above; give it only reviews that are not stale."""
    latest: dict[tuple[str, str], Review] = {}
    for review in reviews:
        before = latest.get((review.key, review.reviewer))
        if before is None or _when(review) >= _when(before):
            latest[review.key, review.reviewer] = review
    found: dict[str, Review] = {}
    for review in latest.values():
        before = found.get(review.key)
        if before is None or _weight(review) > _weight(before):
            found[review.key] = review
    return found


def _when(review: Review) -> str:
    """The time in a form that sorts: with six decimals of the second."""
    whole, _, rest = review.time.rstrip("Z").partition(".")
    return f"{whole}.{rest:0<6}"


def _weight(review: Review) -> tuple[int, str, str]:
    return (ACCEPT, CORRECT, REJECT).index(review.decision), _when(review), review.reviewer


def corrected(sample: Row, review: Review) -> Row:
    """The sample as its review leaves it, with who has seen it and when. ``ReviewError`` for a text that its kind does not have.

    Where a rejected reply repeats the instruction given (all kinds but Normal), it follows a correction of that instruction.
    """
    texts: dict[str, Any] = dict(review.texts)
    for name in texts:
        if sample[name] is None:
            raise ReviewError(
                f"{review.key}: {review.reviewer} corrected {name}, which a {sample['kind']} sample has not; reject it instead"
            )
    if sample["kind"] != NORMAL:
        for language in ("en", "cn"):
            if f"given_{language}" in texts and sample[f"rejected_{language}"] == sample[f"given_{language}"]:
                texts.setdefault(f"rejected_{language}", texts[f"given_{language}"])
    if not texts.keys().isdisjoint(("true_en", "true_cn")):
        texts["other_wordings"] = []  # they were wordings of the text that was wrong
    return {**sample, **texts, "reviewer": review.reviewer, "reviewed_at": review.time}
