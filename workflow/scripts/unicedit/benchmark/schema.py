"""The tables of the benchmark: its records, and the models' edits of them."""

import pyarrow as pa

from unicedit.schema import INGEST, VERIFY
from unicedit.scoring.schema import EVERYWHERE, METRICS

IF, NC, VQ, RA = METRICS

# the columns that say where a picture comes from are ingest's, so that its reader serves here too
PROVENANCE = (
    "source", "width", "height", "crop_left", "crop_top", "crop_right", "crop_bottom", "image_width", "image_height", "image_digest", "image",
)  # fmt: skip
_OUTCOME = [VERIFY.field(name) for name in ("status", "reason", "recipe", "inputs")]

RECORDS = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("task", pa.string(), nullable=False),
        pa.field("subtask", pa.string(), nullable=False),
        pa.field("en", pa.string(), nullable=False),
        pa.field("cn", pa.string(), nullable=False),
        pa.field("reasoning_points", pa.list_(pa.string()), nullable=False),  # empty but for Reasoning samples
        pa.field("subset", pa.string()),  # one that its publishers give figures of too; null for none
        pa.field("picture", pa.string(), nullable=False),  # digest of the pixels: samples of one picture share it
        pa.field("note", pa.string(), nullable=False),  # what the benchmark's authors tell a judge; empty for nothing
        pa.field("sources", pa.int16(), nullable=False),  # source pictures: `image`, and `others`
        pa.field("others", pa.list_(pa.binary()), nullable=False),  # those after the first, encoded
        pa.field("reference", pa.binary()),  # a right result, for judges alone; null for none
    ]
    + [INGEST.field(name) for name in PROVENANCE]
)

BENCH_EDIT = pa.schema(
    [
        ("key", pa.string()),  # <sample>-<language>-<model>
        ("sample", pa.string()),
        ("task", pa.string()),
        ("subtask", pa.string()),
        ("language", pa.string()),  # en, cn: of the instruction that the model was given
        ("editor", pa.string()),  # the model's name
        ("revision", pa.string()),
        ("seed", pa.int64()),
        ("edit_width", pa.int32()),
        ("edit_height", pa.int32()),
        ("edit_digest", pa.string()),
        ("edit_image", pa.binary()),  # encoded; null unless ok
        *_OUTCOME,
    ]
)


def metrics_of(points: list[str]) -> tuple[str, ...]:
    """The metrics of a sample: RA of those with reasoning points alone."""
    return METRICS if points else EVERYWHERE
