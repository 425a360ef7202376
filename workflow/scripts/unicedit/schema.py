"""The Arrow schema of every table, one a stage.

Rules all tables follow:

- no row disappears: each carries ``status`` (``ok``, ``rejected``: a rule said no, ``failed``: it could not be computed) and ``reason``;
- keys derive from content and are unique among rows that are ``ok``: image ``0123456789abcdef0123``, instruction ``<image>-02``, edit ``<instruction>-<editor>``;
- ``recipe`` and ``inputs`` say by which engine, prompt and settings, and from which inputs, a row's values were computed
  (the resumable map writes them, and reuses a finished row that has the same two);
- pictures are stored once: sources in ``ingest``, edits in ``edit``; other tables hold keys.
"""

import pyarrow as pa

OK = "ok"
REJECTED = "rejected"
FAILED = "failed"
STATUSES = (OK, REJECTED, FAILED)

_OUTCOME = [
    pa.field("status", pa.string(), nullable=False),
    pa.field("reason", pa.string()),
    pa.field("recipe", pa.string()),
    pa.field("inputs", pa.string()),
]


def _table(*columns: tuple[str, pa.DataType]) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in columns] + _OUTCOME)


INGEST = _table(
    ("source", pa.string()),  # name in the library, unique in the shard: "cats/a.jpg", "part-0.tar::0001.jpg", "part-0.parquet::17"
    ("key", pa.string()),  # first 20 hexadecimal digits of `pixels`; null when the file could not be decoded
    ("origin", pa.string()),
    ("licence", pa.string()),
    ("file_digest", pa.string()),  # of the file's bytes: lets the index tell a touched file from a changed one
    ("format", pa.string()),
    ("mode", pa.string()),  # Pillow's mode before the conversion to RGB
    ("width", pa.int32()),  # pixels, after EXIF orientation
    ("height", pa.int32()),
    ("pixels", pa.string()),  # SHA-256 of size and decoded sRGB pixels
    ("phash", pa.string()),  # 64-bit perceptual hash, 16 hexadecimal digits
    ("phash_mirror", pa.string()),  # of the mirror image
    ("crop_left", pa.int32()),
    ("crop_top", pa.int32()),
    ("crop_right", pa.int32()),
    ("crop_bottom", pa.int32()),
    ("crop_loss", pa.float32()),  # share of the area the crop removes, 0..1
    ("image_width", pa.int32()),
    ("image_height", pa.int32()),
    ("image_digest", pa.string()),  # of the encoded picture below: changes with crop, size or encoding, where `pixels` does not
    ("image", pa.binary()),  # cropped, resized, encoded; null unless ok
)

DUPLICATES = pa.schema(
    [
        pa.field("shard", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("phash", pa.string(), nullable=False),
        pa.field("phash_mirror", pa.string(), nullable=False),
        pa.field("duplicate_of", pa.string()),  # key of the image that is kept in its place; null for that image itself
        pa.field("kind", pa.string()),  # exact, near, mirror
    ]
)

PREFILTER = _table(
    ("source", pa.string()),
    ("key", pa.string()),
    ("duplicate_of", pa.string()),
    ("duplicate_kind", pa.string()),
    ("quality", pa.float32()),  # technical quality, 0..10
    ("sharpness", pa.float32()),
    ("contrast", pa.float32()),
    ("clipping", pa.float32()),
    ("aesthetic", pa.float32()),  # null where no predictor is configured
    ("unsafe", pa.float32()),  # probability, null where no classifier is configured
)

INSTRUCT = _table(
    ("key", pa.string()),  # <image>-<slot>
    ("image", pa.string()),
    ("slot", pa.int16()),
    ("alternate", pa.bool_()),  # offered in place of an impossible sub-task; false for one that was planned
    ("task", pa.string()),
    ("subtask", pa.string()),
    ("instruction_en", pa.string()),
    ("instruction_cn", pa.string()),
    ("reasoning_points", pa.list_(pa.string())),
    ("writer", pa.string()),  # engine and model snapshot
    ("raw", pa.string()),  # the reply, kept where it could not be used
)

EDIT = _table(
    ("key", pa.string()),  # <instruction>-<editor>
    ("instruction", pa.string()),
    ("image", pa.string()),
    ("editor", pa.string()),
    ("revision", pa.string()),
    ("seed", pa.int64()),
    ("edit_width", pa.int32()),
    ("edit_height", pa.int32()),
    ("edit_digest", pa.string()),  # of the encoded picture
    ("edit_image", pa.binary()),  # encoded; null unless ok
)

VERIFY = _table(
    ("key", pa.string()),  # the edit's
    ("verifier", pa.string()),
    ("source_caption", pa.string()),
    ("edit_caption", pa.string()),
    ("differences", pa.list_(pa.string())),
    ("is_changed", pa.bool_()),
    ("prompt_en", pa.string()),  # restated instruction
    ("prompt_cn", pa.string()),
    (
        "score",
        pa.float64(),
    ),  # what a threshold decides on: SSIM's similarity, or the trained verifier's log p(changed) - log p(unchanged); else null
    ("raw", pa.string()),
)

TRUTH = pa.schema(
    [
        pa.field("shard", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),  # the edit's
        pa.field("kind", pa.string(), nullable=False),  # none, no_edit, misaligned, quality, damage
        pa.field("valid", pa.bool_(), nullable=False),  # a valid edit took place (paper section 1): the filter should let it pass
        pa.field("true_en", pa.string()),  # what really changed
        pa.field("true_cn", pa.string()),
        pa.field("mask", pa.binary()),  # PNG, mode 1: where the edit changed the picture
        pa.field("damage_mask", pa.binary()),  # PNG, mode 1: what changed beside the edit
    ]
)

_PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])

DATASET = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),  # the edit's
        ("edit_task", pa.string()),
        ("edit_subtask", pa.string()),
        ("src_image", _PICTURE),
        ("edit_image", _PICTURE),
        ("prompt_en", pa.string()),  # restated by the verifier: what the edit really shows
        ("prompt_cn", pa.string()),
        ("instruction_en", pa.string()),  # what the editor was asked for
        ("instruction_cn", pa.string()),
        ("reasoning_points", pa.list_(pa.string())),
        ("editor", pa.string()),
        ("editor_revision", pa.string()),
        ("seed", pa.int64()),
        ("verifier", pa.string()),
        ("is_changed", pa.bool_()),
        ("source_caption", pa.string()),
        ("edit_caption", pa.string()),
        ("differences", pa.list_(pa.string())),
        ("quality", pa.float32()),  # technical quality of the source, 0..10
        ("aesthetic", pa.float32()),  # null where no predictor is configured
        ("unsafe", pa.float32()),  # null where no classifier is configured
        ("verifier_score", pa.float64()),  # as `score` of verify
        ("image_width", pa.int32()),  # of src_image, pixels
        ("image_height", pa.int32()),
        ("source", pa.string()),  # name in the library
        ("origin", pa.string()),
        ("licence", pa.string()),
        ("shard", pa.string()),
    ]
)

DATASET_INDEX = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("shard", pa.string(), nullable=False),
        pa.field("row", pa.int32(), nullable=False),  # in the shard's file, from 0
        ("edit_task", pa.string()),
        ("edit_subtask", pa.string()),
        ("editor", pa.string()),
    ]
)
