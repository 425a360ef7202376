"""The truth of simulated edits, in a table of its own that only evaluation reads (design section 7)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from unicedit.config.edit import EditSettings
from unicedit.files import appearing_whole
from unicedit.lookup import rows
from unicedit.parquet import writer
from unicedit.provenance import EditProvenance
from unicedit.schema import OK, TRUTH
from unicedit.sources import KeyedTable, Sources

ROW_GROUP_ROWS = 1000


def _rows(ingest: Path, instruct: Path, edit: Path, settings: EditSettings) -> Iterator[dict[str, Any]]:
    from unicedit.world.truth import truth_of

    sources, instructions = Sources(ingest), KeyedTable(instruct)
    for row in rows(edit, ["key", "instruction", "image", "editor", "seed"], OK):
        ((_, provenance),) = sources.pictures([row["image"]])
        (text,) = instructions.get([row["instruction"]], "instruction_en")
        made = EditProvenance(row["editor"], row["seed"], text["instruction_en"])
        simulated = settings.editor(row["editor"]).simulated
        yield {**truth_of(replace(provenance, edit=made), simulated.faults, simulated.flicker), "key": row["key"]}


def write_truth(results: Path, shards: Sequence[str], out: Path, settings: EditSettings) -> int:
    """Write what every ``ok`` edit really did, in the order of the shards; returns the number of rows."""
    total = 0
    waiting: list[dict[str, Any]] = []
    with appearing_whole(out) as temporary, writer(temporary, TRUTH) as opened:

        def flush() -> None:
            nonlocal total
            opened.write_table(pa.Table.from_pylist(waiting, schema=TRUTH), row_group_size=ROW_GROUP_ROWS)
            total += len(waiting)
            waiting.clear()

        for shard in shards:
            ingest, instruct, edit = (results / stage / f"{shard}.parquet" for stage in ("ingest", "instruct", "edit"))
            for row in _rows(ingest, instruct, edit, settings):
                waiting.append({**row, "shard": shard})
                if len(waiting) == ROW_GROUP_ROWS:
                    flush()
            if waiting:  # a row group never spans two shards, so that one shard can be read alone
                flush()
    return total
