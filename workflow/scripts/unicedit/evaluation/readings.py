"""The ways a verifier is read: as it is used, with the instruction withheld, with both readings together, and the controls."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PIL import Image

from unicedit.evaluation.rows import ReadingMode
from unicedit.map.stage import RowError

if TYPE_CHECKING:
    from unicedit.verifier.reader import Pair, Reader, Reading

GREY = 128


def pair_of(sample: Mapping[str, Any], reading: ReadingMode) -> "Pair":
    """The pair that a verifier is shown in one way of reading. ``joint`` begins as ``informed`` does."""
    from unicedit.verifier.reader import Pair

    source, edit = sample["source_image"], sample["edit_image"]
    if reading == "swapped":
        source, edit = edit, source
    elif reading == "text_only":
        source, edit = grey(source), grey(edit)
    return Pair(sample["key"], source, edit, None if reading == "blind" else (sample["given_en"], sample["given_cn"]))


def sizes_of(sample: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Width and height of source and edit, from their headers. Raises ``OSError`` or ``ValueError`` for one that is no picture."""
    found = []
    for name in ("source_image", "edit_image"):
        with Image.open(io.BytesIO(sample[name] or b"")) as opened:
            found.append(opened.size)
    return found


def grey(picture: bytes) -> bytes:
    """An even grey picture of the same size, as PNG."""
    with Image.open(io.BytesIO(picture)) as opened:
        blank = Image.new("RGB", opened.size, (GREY, GREY, GREY))
    stored = io.BytesIO()
    blank.save(stored, "PNG")
    return stored.getvalue()


def read_all(reader: "Reader", pairs: Sequence["Pair"]) -> list["Reading | RowError"]:
    """The greedy reading of each pair, in order; pictures that cannot be shown give a ``RowError`` for their own pair alone."""
    return reader.each(pairs, lambda batch: reader.generate(reader.inputs(batch)))


def joint_log_probabilities(
    informed: "Reader", blind: "Reader", pairs: Sequence["Pair"], replies: Sequence[tuple[str, str]]
) -> list[list[float]]:
    """For each pair, the log-probabilities of its two replies: given the instruction (``informed`` reads), then with it withheld (``blind`` reads)."""
    withheld = [replace(pair, instruction=None) for pair in pairs]
    asked = [
        (reader, shown, [one[place] for one in replies]) for reader, shown in ((informed, pairs), (blind, withheld)) for place in (0, 1)
    ]
    columns = [reader.log_probabilities(shown, texts) for reader, shown, texts in asked]
    return [list(row) for row in zip(*columns, strict=True)]
