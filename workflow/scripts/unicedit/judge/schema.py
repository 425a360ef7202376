"""The judges' tables: one row a model, judge, sample, metric and repeat; and what a judge expects of right edits."""

import pyarrow as pa

from unicedit.schema import VERIFY

_OUTCOME = [VERIFY.field(name) for name in ("status", "reason", "recipe", "inputs")]
_VIOLATION = pa.struct([("kind", pa.string()), ("what", pa.string()), ("deduction", pa.float64())])
# how the reply came about
_ASKED = [
    ("snapshot", pa.string()),  # the model that answered, as it names itself
    ("prompt", pa.string()),  # digest of the prompt's text, without what is filled in
    ("attempt", pa.int16()),  # askings it took
    ("tokens_in", pa.int64()),
    ("tokens_out", pa.int64()),
    ("cost", pa.float64()),  # of the reply that counts, by the judge's prices
    ("raw", pa.string()),  # the reply
]

JUDGE = pa.schema(
    [
        ("item", pa.string()),  # <sample>-<metric>-<repeat>
        ("model", pa.string()),
        ("judge", pa.string()),
        ("key", pa.string()),  # the sample's
        ("source", pa.string()),  # digest of the source picture: shared by both languages
        ("task", pa.string()),
        ("subtask", pa.string()),
        ("language", pa.string()),
        ("metric", pa.string()),  # IF, NC, VQ, RA
        ("repeat", pa.int16()),
        ("score", pa.float64()),  # 0 to 10; null unless ok
        ("explanation", pa.string()),
        ("violations", pa.list_(_VIOLATION)),  # of an itemised reply: what was subtracted for; null of others
        *_ASKED,
        *_OUTCOME,
    ]
)

EXPECT = pa.schema(
    [
        ("judge", pa.string()),
        ("key", pa.string()),  # the sample's
        ("expected", pa.list_(pa.string())),  # what a right edit shows, a sentence each
        *_ASKED,
        *_OUTCOME,
    ]
)
