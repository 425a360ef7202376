"""The table of VIEScores: one row a triplet, question and repeat."""

import pyarrow as pa

from unicedit.schema import VERIFY

VIESCORES = pa.schema(
    [
        ("item", pa.string()),  # <position>-<metric>-<repeat>
        ("dataset", pa.string()),
        ("judge", pa.string()),
        ("position", pa.int64()),  # the triplet's among the draws
        ("place", pa.string()),  # file::row in the dataset
        ("metric", pa.string()),  # the question: SC, PQ; or another set's
        ("repeat", pa.int16()),
        ("scores", pa.list_(pa.float64())),  # 0 to 10, or as the set has them; null unless ok
        ("explanation", pa.string()),
        ("prompt", pa.string()),  # digest of the question's text, without what is filled in
        ("snapshot", pa.string()),  # the model that answered, as it names itself
        ("attempt", pa.int16()),  # askings it took
        ("raw", pa.string()),  # the reply
        *[VERIFY.field(name) for name in ("status", "reason", "recipe", "inputs")],
    ]
)
