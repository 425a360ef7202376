"""What people say of training samples, and what follows from it."""

import hashlib
from collections.abc import Mapping
from typing import Any, ClassVar

from unicedit.files import digest_of
from unicedit.map.stage import Row
from unicedit.review.decision import Decision, ReviewError
from unicedit.training.schema import NORMAL, REVIEWED

LINES = ("differences", "rejected_differences")  # columns that hold lists of lines
TEXTS = ("given_en", "given_cn", "true_en", "true_cn", "rejected_en", "rejected_cn", "source_caption", "edit_caption", *LINES)


class Review(Decision):
    """A decision on a sample."""

    TEXTS: ClassVar[tuple[str, ...]] = TEXTS
    LINES: ClassVar[tuple[str, ...]] = LINES


def shown_digest(sample: Mapping[str, Any]) -> str:
    """32 hexadecimal digits of all that a reviewer is shown of a sample."""
    values = [sample[name] for name in REVIEWED]
    return digest_of([hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else value for value in values])


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
