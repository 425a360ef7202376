"""The table of an evaluation: how one verifier, read one way, did on each sample."""

import pyarrow as pa

from unicedit.evaluation.meaning import SLOTS
from unicedit.schema import VERIFY
from unicedit.world.words import LANGUAGES

POINTS = 10.0  # of a sample that is fully right: Table 5 counts from 0 to 10

EVALUATION = pa.schema(
    [
        ("key", pa.string()),  # the sample's
        ("group", pa.string()),  # the original photograph
        ("kind", pa.string()),  # normal, no_edit, hallucination, failed
        ("held_out", pa.bool_()),  # holds a composition that training leaves out
        ("subtask", pa.string()),
        ("disturbance", pa.string()),
        ("true_changed", pa.bool_()),  # whether something valid changed
        ("reading", pa.string()),
        ("reply", pa.string()),
        ("candidates", pa.list_(pa.string())),  # joint: the reply given the instruction, and the one with it withheld
        (
            "log_probabilities",
            pa.list_(pa.float64()),
        ),  # joint: of the two candidates given the instruction, then of the two with it withheld
        ("margins", pa.list_(pa.float64())),  # joint: `score` of each candidate's own reading
        ("candidates_fit", pa.list_(pa.bool_())),  # joint: whether each candidate parses
        ("candidates_right", pa.list_(pa.bool_())),  # joint: whether each candidate is fully right
        ("fault", pa.string()),  # why the reply did not parse; it counts as wrong
        ("is_changed", pa.bool_()),  # what the reply says; null where it did not parse
        ("score", pa.float64()),  # SSIM's similarity, or log p(changed) - log p(unchanged) of a verifier that reads
        ("said_en", pa.string()),
        ("said_cn", pa.string()),
        ("copied", pa.bool_()),  # the reply restates the given instruction, in whatever words; null where it restates nothing
        ("changed_right", pa.bool_()),
        ("points", pa.float64()),  # 0 to 10: 10 for a reply that is fully right, or what the judge gave
        ("judge", pa.string()),  # the judge's snapshot; null where the truth is known
        ("judge_reason", pa.string()),
    ]
    + [(f"{what}_{language}", pa.bool_()) for language in LANGUAGES for what in ("right", "readable", *SLOTS)]  # null where nothing changed
    + [VERIFY.field(name) for name in ("status", "reason")]
)
