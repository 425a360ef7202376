"""Adopt finished rows under a new recipe, on the user's word (design section 5).

A changed comment in a prompt, or a refactored engine, gives rows a new recipe although nobody would pay for computing them again. Accepting records that the old
recipe's rows serve for the new one. Rows keep the recipe they were made by, and the record says who accepted what, when and why.
"""

import datetime
import getpass
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from unicedit.files import read_json, write_json

# the columns that tell a row's variant, by stage; joined by an @ where there are several
VARIANTS = {
    "edit": ("editor",),
    "bench_edit": ("editor",),
    "expect": ("judge",),
    "judge": ("judge", "model"),
    "bench_viescore": ("judge",),
    "viescore": ("judge",),
}


def accept(results: Path, stage: str, recipes: Mapping[str, str], why: str) -> list[dict[str, Any]]:
    """Record that rows sealed by ``stage`` serve for today's recipes; returns the new entries, with how many rows each covers.

    ``recipes`` maps the variant of a row (its editor, judge or both as ``VARIANTS`` has it, "" elsewhere) to today's recipe.
    """
    found: dict[tuple[str, str], int] = {}
    for path in sorted((results / ".kept" / stage).glob("*.parquet")):
        columns = VARIANTS.get(stage, ())
        table = pq.read_table(path, columns=["recipe", *columns])
        told = zip(*(table[name].to_pylist() for name in columns), strict=True) if columns else [()] * table.num_rows
        variants = ["@".join(names) for names in told]
        for pair in zip(variants, table["recipe"].to_pylist(), strict=True):
            found[pair] = found.get(pair, 0) + 1
    record = results / ".accepted" / f"{stage}.json"
    entries: list[dict[str, Any]] = read_json(record) if record.exists() else []
    known = {(entry["old"], entry["new"]) for entry in entries}
    added = [
        {
            "stage": stage,
            "variant": variant,
            "old": old,
            "new": recipes[variant],
            "rows": rows,
            "by": getpass.getuser(),
            "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "why": why,
        }
        for (variant, old), rows in sorted(found.items())
        if variant in recipes and old != recipes[variant] and (old, recipes[variant]) not in known
    ]
    if added:
        write_json(record, entries + added)
    return added
