"""A drawn sample as one Parquet file, pictures as they are encoded in the dataset."""

from collections import Counter
from itertools import islice
from pathlib import Path

import pyarrow as pa

from unicedit.files import appearing_whole
from unicedit.parquet import writer
from unicedit.pictures import bytes_digest
from unicedit.triplets.draw import Drawn, draw
from unicedit.triplets.limits import Limits
from unicedit.triplets.mapping import Mapping

ROWS_A_GROUP = 32  # of pictures of a megabyte or so

TRIPLETS = pa.schema(
    [
        pa.field("dataset", pa.string(), nullable=False),  # the mapping's name
        pa.field("position", pa.int64(), nullable=False),  # among the draws: a smaller sample is the rows below it
        pa.field("place", pa.string(), nullable=False),  # file::row
        pa.field("key", pa.string()),
        pa.field("task", pa.string()),
        pa.field("subtask", pa.string()),
        pa.field("instruction_en", pa.string()),
        pa.field("instruction_cn", pa.string()),
        pa.field("source_image", pa.binary()),  # encoded; null unless ok
        pa.field("edit_image", pa.binary()),
        pa.field("source_digest", pa.string()),  # of the encoded picture
        pa.field("edit_digest", pa.string()),
        pa.field("status", pa.string(), nullable=False),  # ok, rejected (no triplet by design, and replaced), failed
        pa.field("reason", pa.string()),
    ]
)


def write_sample(root: Path, mapping: Mapping, n: int, seed: int, limits: Limits, out: Path) -> Counter[str]:
    """Draw ``n`` triplets into ``out`` (``TRIPLETS``), whole or not at all; returns the rows by status."""
    counted: Counter[str] = Counter()
    drawn = draw(root, mapping, n, seed, limits)
    with appearing_whole(out) as temporary, writer(temporary, TRIPLETS) as opened:
        while group := list(islice(drawn, ROWS_A_GROUP)):
            counted.update(one.status for one in group)
            opened.write_table(pa.Table.from_pylist([_row(mapping, one) for one in group], schema=TRIPLETS))
    return counted


def _row(mapping: Mapping, one: Drawn) -> dict[str, object]:
    return {
        "dataset": mapping.name,
        "position": one.position,
        "place": one.place,
        "key": one.key,
        "task": one.task,
        "subtask": one.subtask,
        "instruction_en": one.instruction_en,
        "instruction_cn": one.instruction_cn,
        "source_image": one.source,
        "edit_image": one.edited,
        "source_digest": bytes_digest(one.source) if one.source else None,
        "edit_digest": bytes_digest(one.edited) if one.edited else None,
        "status": one.status,
        "reason": one.reason,
    }
