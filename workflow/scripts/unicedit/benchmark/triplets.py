"""A model's edits of the benchmark as triplets, for whoever scores datasets."""

from pathlib import Path

import pyarrow as pa

from unicedit.files import appearing_whole
from unicedit.lookup import rows
from unicedit.parquet import writer
from unicedit.pictures import bytes_digest
from unicedit.schema import OK
from unicedit.sources import KeyedTable, Sources
from unicedit.triplets.sample import ROWS_A_GROUP, TRIPLETS


def write_triplets(records: Path, edits: Path, out: Path) -> None:
    """Write every edit of a table into ``out`` (``TRIPLETS``): its place is the sample's key, its dataset the model and language."""
    texts, sources = KeyedTable(records), Sources(records)
    waiting: list[dict[str, object]] = []
    with appearing_whole(out) as temporary, writer(temporary, TRIPLETS) as opened:

        def flush() -> None:
            opened.write_table(pa.Table.from_pylist(waiting, schema=TRIPLETS))
            waiting.clear()

        names = ["sample", "language", "editor", "task", "subtask", "edit_image", "status", "reason"]
        for position, row in enumerate(rows(edits, names)):
            key, language, there = row["sample"], row["language"], row["status"] == OK
            ((source, _),) = sources.pictures([key])
            (text,) = texts.get([key], language)
            waiting.append(
                {
                    "dataset": f"{row['editor']}-{language}",
                    "position": position,
                    "place": key,
                    "key": key,
                    "task": row["task"],
                    "subtask": row["subtask"],
                    f"instruction_{language}": text[language],
                    "source_image": source if there else None,
                    "edit_image": row["edit_image"],
                    "source_digest": bytes_digest(source) if there else None,
                    "edit_digest": bytes_digest(row["edit_image"]) if there else None,
                    "status": OK if there else "failed",
                    "reason": row["reason"],
                }
            )
            if len(waiting) == ROWS_A_GROUP:
                flush()
        if waiting:
            flush()
