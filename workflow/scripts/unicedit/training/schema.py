"""The table of training samples: a pair of pictures, the instruction shown with it, and what is true of it."""

import pyarrow as pa

from unicedit.schema import VERIFY

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)
SFT, D2PO = "sft", "d2po"
PURPOSES = (SFT, D2PO)  # of a training sample

# the kinds of sample (paper section on Qwen-Verify); `failed` is ours
NORMAL = "normal"  # a good edit, and the instruction says what it did
NO_EDIT = "no_edit"  # no visible difference
HALLUCINATION = "hallucination"  # a good edit of the right target, and the instruction names another action or attribute
FAILED_EDIT = "failed"  # an edit spoilt in quality, or with damage beside it
KINDS = (NORMAL, NO_EDIT, HALLUCINATION, FAILED_EDIT)

# what a generator changes without being asked, whatever the kind
DISTURBANCES = ("none", "flicker", "recompression", "shift")

# the files of results/verifier/data: training by purpose, the other splits by name
FILES = (SFT, D2PO, VALIDATION, TEST)

SAMPLES = pa.schema(
    [
        ("key", pa.string()),  # from the sample's content: another text or picture has another key
        ("group", pa.string()),  # the original photograph; a group lies in one split
        ("split", pa.string()),  # train, validation, test
        ("purpose", pa.string()),  # sft or d2po in training, else null
        ("kind", pa.string()),  # normal, no_edit, hallucination, failed
        ("held_out", pa.bool_()),  # pictures or texts hold a composition that training leaves out
        ("source", pa.string()),  # the source picture's name in its library
        ("subtask", pa.string()),  # of the edit that the sample was drawn for
        ("operation", pa.string()),  # the world's operation that was done, or asked where nothing was; null elsewhere
        ("disturbance", pa.string()),  # none, flicker, recompression, shift
        ("source_image", pa.binary()),  # encoded (PNG by default)
        ("edit_image", pa.binary()),
        ("given_en", pa.string()),  # the instruction shown with the pair
        ("given_cn", pa.string()),
        ("true_en", pa.string()),  # what really changed; null where nothing valid did
        ("true_cn", pa.string()),
        ("other_wordings", pa.list_(pa.struct([("en", pa.string()), ("cn", pa.string())]))),  # of what really changed, as right as those
        ("source_caption", pa.string()),
        ("edit_caption", pa.string()),
        ("differences", pa.list_(pa.string())),
        ("is_changed", pa.bool_()),
        ("rejected_en", pa.string()),  # the instruction that the rejected reply of a preference pair states
        ("rejected_cn", pa.string()),
        ("rejected_differences", pa.list_(pa.string())),
        ("writer", pa.string()),  # what wrote the mistaken text: an engine's snapshot, or the world's version
        ("reviewer", pa.string()),  # pseudonym of the person who has seen the sample; null: none has
        ("reviewed_at", pa.string()),  # ISO 8601, UTC
    ]
    + [VERIFY.field(name) for name in ("status", "reason", "recipe", "inputs")]
)

# columns a person's review is about: a review counts only for a sample that still reads and looks so
REVIEWED = (
    "given_en", "given_cn", "true_en", "true_cn", "source_caption", "edit_caption", "differences",
    "is_changed", "rejected_en", "rejected_cn", "rejected_differences", "source_image", "edit_image",
)  # fmt: skip
