"""Assemble: the accepted edits of a shard as one self-contained file of the dataset (design section 3)."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from unicedit.config.dataset import DatasetSettings
from unicedit.files import appearing_whole
from unicedit.lookup import Lookup, rows
from unicedit.parquet import writer
from unicedit.schema import DATASET, OK

_VERDICT = ("verifier", "is_changed", "source_caption", "edit_caption", "differences", "prompt_en", "prompt_cn")
_EDIT = ("instruction", "image", "editor", "revision", "seed", "edit_image")
_INSTRUCTION = ("task", "subtask", "instruction_en", "instruction_cn", "reasoning_points")
_SOURCE = ("image", "image_width", "image_height", "source", "origin", "licence")
_SCORES = ("quality", "aesthetic", "unsafe")


def _feature(kind: pa.DataType) -> Any:
    if pa.types.is_struct(kind):
        return {"_type": "Image"}
    if pa.types.is_list(kind):
        return [_feature(kind.value_type)]  # in brackets: every release of `datasets` reads that
    names = {"double": "float64", "float": "float32"}
    return {"dtype": names.get(str(kind), str(kind)), "_type": "Value"}


def public_schema() -> pa.Schema:
    """The dataset's schema with the metadata by which Hugging Face ``datasets`` decodes pictures."""
    features = {field.name: _feature(field.type) for field in DATASET}
    return DATASET.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def _suffix(data: bytes) -> str:
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if data[:3] == b"\xff\xd8\xff":
        return "jpg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return "img"


def _picture(name: str, data: bytes) -> dict[str, Any]:
    """A picture as ``datasets`` stores it; its path is made of our key, never of a library's name."""
    return {"bytes": data, "path": f"{name}.{_suffix(data)}"}


class _Shard:
    """The tables of one shard, read in step with the verdicts."""

    def __init__(self, shard: str, ingest: Path, prefilter: Path, instruct: Path, edit: Path) -> None:
        self.shard = shard
        self.sources = Lookup(ingest, "key")
        self.scores = Lookup(prefilter, "key")
        self.instructions = Lookup(instruct, "key")
        self.edits = Lookup(edit, "key")

    def rows(self, verdicts: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        edits = self.edits.get([verdict["key"] for verdict in verdicts], _EDIT)
        instructions = self.instructions.get([edit["instruction"] for edit in edits], _INSTRUCTION)
        images = [edit["image"] for edit in edits]
        sources = self.sources.get(images, _SOURCE)
        scores = self.scores.get(images, _SCORES)
        for verdict, edit, instruction, source, score in zip(verdicts, edits, instructions, sources, scores, strict=True):
            yield {
                "key": verdict["key"],
                "edit_task": instruction["task"],
                "edit_subtask": instruction["subtask"],
                "src_image": _picture(edit["image"], source["image"]),
                "edit_image": _picture(verdict["key"], edit["edit_image"]),
                **{name: verdict[name] for name in _VERDICT},
                "instruction_en": instruction["instruction_en"],
                "instruction_cn": instruction["instruction_cn"],
                "reasoning_points": instruction["reasoning_points"] or [],
                "differences": verdict["differences"] or [],
                "editor": edit["editor"],
                "editor_revision": edit["revision"],
                "seed": edit["seed"],
                "verifier_score": verdict["score"],
                **score,
                **{name: source[name] for name in _SOURCE if name != "image"},
                "shard": self.shard,
            }


def assemble(
    shard: str, ingest: Path, prefilter: Path, instruct: Path, edit: Path, verify: Path, out: Path, settings: DatasetSettings
) -> dict[str, int]:
    """Write a shard's dataset file: the edits whose verdict is ok, in the order of ``verify``; returns the rows by status.

    Memory holds one row group and a few of the inputs', however long the shard. Equal tables give equal bytes. Raises ``KeyError``
    naming the file and the key when a verdict speaks of an edit, instruction or picture that its table lacks.
    """
    tables = _Shard(shard, ingest, prefilter, instruct, edit)
    verdicts = rows(verify, ("key", "score", *_VERDICT), OK)
    schema = public_schema()
    written = 0
    with appearing_whole(out) as temporary, writer(temporary, schema) as opened:
        while group := list(islice(verdicts, settings.row_group_rows)):
            table = pa.Table.from_pylist(list(tables.rows(group)), schema=schema)
            opened.write_table(table, row_group_size=settings.row_group_rows)
            written += table.num_rows
    return {"ok": written, "rejected": 0, "failed": 0}
