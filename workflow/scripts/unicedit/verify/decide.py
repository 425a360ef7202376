"""The verdict of a row with a score, from a threshold: pure, so that moving the threshold computes nothing again."""

from typing import Literal

import pyarrow as pa

from unicedit.schema import FAILED, OK, REJECTED


def decided(table: pa.Table, engine: Literal["ssim", "transformers"], threshold: float) -> pa.Table:
    """Set ``is_changed``, ``status`` and ``reason``; ``failed`` rows stay.

    ``ssim``: an edit as similar to its source as the threshold, or more, is unchanged. ``transformers``: one whose margin is above the threshold is
    changed; a row without a margin keeps the verdict of its reply.
    """
    columns = {name: table[name].to_pylist() for name in ("score", "is_changed", "status", "reason")}
    for row, (score, status) in enumerate(zip(columns["score"], columns["status"], strict=True)):
        if status == FAILED:
            continue
        if engine == "ssim":
            changed, why = score < threshold, f"ssim {score:.4f} >= {threshold:g}"
        elif score is None:
            changed, why = columns["is_changed"][row], "the verifier saw no valid edit"
        else:
            changed, why = score > threshold, f"margin {score:g} <= {threshold:g}"
        columns["is_changed"][row] = changed
        columns["status"][row] = OK if changed else REJECTED
        columns["reason"][row] = None if changed else f"no_change: {why}"
    for name in ("is_changed", "status", "reason"):
        index = table.schema.get_field_index(name)
        field = table.schema.field(index)
        table = table.set_column(index, field, pa.array(columns[name], field.type))
    return table
