"""The table of judgements: one row a (model, judge, sample, language, metric, repeat). Whoever judges writes it; the statistics read it."""

import pyarrow as pa

HIGHEST = 10.0  # scores are 0..10
METRICS = ("IF", "NC", "VQ", "RA")
EVERYWHERE = ("IF", "NC", "VQ")  # of every sample; RA is of Reasoning samples only (paper, section on UnicBench)
OVERALL = "Overall"
LANGUAGES = ("en", "cn")

_SAMPLE = [
    pa.field("key", pa.string(), nullable=False),
    pa.field("source", pa.string(), nullable=False),  # the picture: en and cn of a sample share one, and hang together
    pa.field("task", pa.string(), nullable=False),
    pa.field("subtask", pa.string(), nullable=False),
    pa.field("language", pa.string(), nullable=False),  # en, cn
]

SAMPLES = pa.schema(_SAMPLE)

JUDGEMENTS = pa.schema(
    [
        pa.field("model", pa.string(), nullable=False),
        pa.field("judge", pa.string(), nullable=False),  # with its snapshot and prompt: figures of two judges are never pooled
        *_SAMPLE,
        pa.field("metric", pa.string(), nullable=False),  # IF, NC, VQ, RA
        pa.field("repeat", pa.int32(), nullable=False),  # 0..k-1
        pa.field("score", pa.float64()),  # 0..10; null unless ok
        pa.field("status", pa.string(), nullable=False),  # ok, failed
        pa.field("reason", pa.string()),  # why it failed, its class first: "unparsable: ..."
    ]
)
