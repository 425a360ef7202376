"""What people say of the benchmark's records, and the port of the review page for them."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from unicedit.errors import PipelineError
from unicedit.files import digest_of
from unicedit.lookup import Lookup, rows
from unicedit.review.decision import Decision
from unicedit.review.item import Item, Text

TITLES = {"en": "Instruction, English", "cn": "Instruction, Chinese", "reasoning_points": "What a right edit shows, one point a line"}
# all that a reviewer is shown; the picture by its digest
_SHOWN = ("task", "subtask", "en", "cn", "reasoning_points", "image_digest")
COLUMNS = ("key", *_SHOWN, "source", "width", "height", "image_width", "image_height")


class RecordReview(Decision):
    """A decision on a record."""

    TEXTS: ClassVar[tuple[str, ...]] = tuple(TITLES)
    LINES: ClassVar[tuple[str, ...]] = ("reasoning_points",)


def shown_digest(record: Mapping[str, Any]) -> str:
    """32 hexadecimal digits of all that a reviewer is shown of a record."""
    return digest_of([record[name] for name in _SHOWN])


def corrected(record: Mapping[str, Any], review: Decision) -> dict[str, Any]:
    """The record as its review leaves it, with who has seen it and when."""
    return {**record, **review.texts, "reviewer": review.reviewer, "reviewed_at": review.time}


def in_order(keys: Collection[str]) -> list[str]:
    """An order that the keys decide, the same for every reviewer."""
    return sorted(keys, key=lambda key: (digest_of("review", key), key))


class RecordQueue:
    """The records of a run's benchmark (or those in another folder of the run), at most ``limit`` of them. ``PipelineError`` where the run has none yet."""

    form = RecordReview

    def __init__(self, results: Path, limit: int, folder: str = "benchmark") -> None:
        self.table, self._limit = results / folder / "records.parquet", limit
        if not self.table.is_file():
            raise PipelineError(f"{self.table}: no records yet; run `snakemake {self.table}` first")
        self._lookup = Lookup(self.table, "key")

    @cached_property
    def records(self) -> dict[str, dict[str, Any]]:
        """All records by key, in the benchmark's order, without their pictures."""
        return {row["key"]: row for row in rows(self.table, COLUMNS)}

    def keys(self) -> Sequence[str]:
        return in_order(self.records)[: self._limit]

    def item(self, key: str) -> Item:
        record = self.records[key]
        return Item(
            key=key,
            shown=shown_digest(record),
            heading=f"{record['task']} · {record['subtask']}",
            claim="An editing model is given this picture and one of the instructions.",
            texts=tuple(_text(record, name) for name in TITLES),
            facts=(("key", key), ("source", record["source"]), ("size there", f"{record['width']} × {record['height']}")),
            before=self.picture(key),
            after=None,
        )

    def shown(self, keys: Collection[str]) -> dict[str, str]:
        return {key: shown_digest(self.records[key]) for key in keys if key in self.records}

    def picture(self, key: str) -> bytes:
        """A record's picture, encoded."""
        (row,) = self._lookup.get([key], ["image"])
        data: bytes = row["image"]
        return data


def _text(record: Mapping[str, Any], name: str) -> Text:
    value = record[name]
    if name in RecordReview.LINES:
        value = tuple(value) or None
    return Text(name, TITLES[name], value, "zh" if name == "cn" else "en", "none: only Reasoning samples have them")
