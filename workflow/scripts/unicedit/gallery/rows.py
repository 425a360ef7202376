"""What the page is told of each row, joined from the tables of its shard."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unicedit.gallery.leaves import NAMED_BY, STAGES, Sample, chosen_rows
from unicedit.gallery.thumbnails import Thumbnails
from unicedit.sidecar import reason_class
from unicedit.sources import KeyedTable

MOST_SIGNS = 4000  # of one text: a model's reply may be endless
MOST_TEXTS = 50  # of one list
EXACT = 2**53  # JavaScript knows no larger whole number exactly: a seed comes as text

_OUTCOME = ["status", "reason", "recipe"]
_COLUMNS = {
    "verify": ["key", "verifier", "source_caption", "edit_caption", "differences", "is_changed", "prompt_en", "prompt_cn", "score", "raw"],
    "edit": ["key", "instruction", "image", "editor", "revision", "seed", "edit_width", "edit_height"],
    "instruct": ["key", "image", "task", "subtask", "instruction_en", "instruction_cn", "reasoning_points", "writer", "raw"],
    "prefilter": ["source", "key", "duplicate_of", "duplicate_kind", "quality", "sharpness", "contrast", "clipping", "aesthetic", "unsafe"],
    "ingest": ["source", "key", "origin", "licence", "format", "width", "height", "crop_loss", "image_width", "image_height"],
}
_EDIT = ("instruction", "image", "editor", "revision", "seed", "edit_width", "edit_height", "edit_image")
_INSTRUCTION = ("image", "task", "subtask", "instruction_en", "instruction_cn", "reasoning_points", "writer")
_SCORES = ("quality", "aesthetic", "unsafe")
_SOURCE = ("source", "origin", "licence", "width", "height", "image_width", "image_height", "image")
_PICTURES = ("image", "edit_image")


def _short(value: Any) -> Any:
    """A value as JSON can hold it, texts and lists cut to what a page can show; floats to six digits."""
    if isinstance(value, str):
        return value if len(value) <= MOST_SIGNS else value[:MOST_SIGNS] + "…"
    if isinstance(value, list):
        return [_short(one) for one in value[:MOST_TEXTS]]
    if isinstance(value, int) and abs(value) > EXACT:
        return str(value)
    if isinstance(value, float):
        return float(f"{value:.6g}") if abs(value) < float("inf") else None  # NaN compares false too
    return value


class _Shard:
    """The tables of one shard, asked in step with its leaves."""

    def __init__(self, results: Path, shard: str, thumbnails: Thumbnails) -> None:
        self.folder = {stage: results / stage / f"{shard}.parquet" for stage in STAGES}
        self.shard = shard
        self.thumbnails = thumbnails
        self.edits = KeyedTable(self.folder["edit"])
        self.instructions = KeyedTable(self.folder["instruct"])
        self.scores = KeyedTable(self.folder["prefilter"])
        self.sources = KeyedTable(self.folder["ingest"])
        self.drawn: dict[str, str | None] = {}  # thumbnail of each source of this shard

    def rows(self, stage: str, numbers: list[int]) -> Iterator[dict[str, Any]]:
        for row in chosen_rows(self.folder[stage], [*_COLUMNS[stage], *_OUTCOME], numbers):
            outcome = {name: row.pop(name) for name in _OUTCOME}
            found = {
                "id": f"{self.shard}/{stage}/{row[NAMED_BY[stage]]}",
                "stage": stage,
                "shard": self.shard,
                "status": outcome["status"],
                "reason": outcome["reason"],
                "kind": reason_class(outcome["reason"]),
                f"{stage}_recipe": outcome["recipe"],
                **getattr(self, f"_{stage}")(row),
            }
            yield {name: _short(value) for name, value in found.items() if value not in (None, "", [])}

    def _verify(self, row: dict[str, Any]) -> dict[str, Any]:
        (edit,) = self.edits.get([row["key"]], *_EDIT)
        row["verifier_score"] = row.pop("score")
        return {**self._edit({**edit, "key": row["key"]}), **row}

    def _edit(self, row: dict[str, Any]) -> dict[str, Any]:
        picture = row.pop("edit_image", None)
        (instruction,) = self.instructions.get([row["instruction"]], *_INSTRUCTION)
        after = self.thumbnails.add(picture) if picture else None
        return {**self._image(row["image"]), **instruction, **row, "after": after}

    def _instruct(self, row: dict[str, Any]) -> dict[str, Any]:
        return {**self._image(row["image"]), **row}

    def _image(self, key: str) -> dict[str, Any]:
        (scores,) = self.scores.get([key], *_SCORES)
        return {**self._source(key), **scores}

    def _prefilter(self, row: dict[str, Any]) -> dict[str, Any]:
        return {**self._source(row["key"]), **row, "image": row["key"]}

    def _ingest(self, row: dict[str, Any]) -> dict[str, Any]:
        return row

    def _source(self, key: str) -> dict[str, Any]:
        (source,) = self.sources.get([key], *_SOURCE)
        picture = source.pop("image")
        if key not in self.drawn:
            self.drawn[key] = self.thumbnails.add(picture) if picture else None
        return {**source, "before": self.drawn[key]}


def gallery_rows(results: Path, shards: list[str], chosen: Sample, thumbnails: Thumbnails) -> Iterator[dict[str, Any]]:
    """A dictionary for each chosen leaf, in the order of shards and stages; its thumbnails are written on the way.

    Memory holds a few row groups of one shard. What a row lacks is left out. Raises ``KeyError`` naming file and key where a table lacks
    what another speaks of.
    """
    for shard in shards:
        tables = _Shard(results, shard, thumbnails)
        for stage in STAGES:
            numbers = chosen.chosen.get((shard, stage))
            if numbers:
                yield from tables.rows(stage, numbers)
