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

# what a judge may be shown beside a triplet: null or empty where a sample has nothing of the kind
BENCH_TRIPLETS = pa.schema(
    [
        *TRIPLETS,
        ("note", pa.string()),
        ("other_images", pa.list_(pa.binary())),  # source pictures after the first
        ("others_digests", pa.list_(pa.string())),
        ("reference_image", pa.binary()),  # a right result
        ("reference_digest", pa.string()),
    ]
)


def write_triplets(records: Path, edits: Path, out: Path) -> None:
    """Write every edit of a table into ``out`` (``BENCH_TRIPLETS``): its place is the sample's key, its dataset the model and language."""
    texts, sources = KeyedTable(records), Sources(records)
    waiting: list[dict[str, object]] = []
    with appearing_whole(out) as temporary, writer(temporary, BENCH_TRIPLETS) as opened:

        def flush() -> None:
            opened.write_table(pa.Table.from_pylist(waiting, schema=BENCH_TRIPLETS))
            waiting.clear()

        names = ["sample", "language", "editor", "task", "subtask", "edit_image", "status", "reason"]
        for position, row in enumerate(rows(edits, names)):
            key, language, there = row["sample"], row["language"], row["status"] == OK
            ((source, _),) = sources.pictures([key])
            (text,) = texts.get([key], language, "note")
            (more,) = texts.get([key], "others", "reference") if there else ({"others": [], "reference": None},)
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
                    "note": text["note"],
                    "other_images": more["others"],
                    "others_digests": [bytes_digest(data) for data in more["others"]],
                    "reference_image": more["reference"],
                    "reference_digest": bytes_digest(more["reference"]) if more["reference"] else None,
                }
            )
            if len(waiting) == ROWS_A_GROUP:
                flush()
        if waiting:
            flush()
