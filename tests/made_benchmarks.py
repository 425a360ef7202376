"""Small samples of other benchmarks, in their published schemas."""

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from checkout import REPOSITORY
from unicedit.benchmark.mapping import load_mapping

GEDIT_MAPPING = REPOSITORY / "config/benchmarks/gedit.yaml"
GEDIT = load_mapping(GEDIT_MAPPING)
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("task_type", "key", "instruction", "instruction_language")),
        ("input_image", IMAGE),
        ("input_image_raw", IMAGE),
        ("Intersection_exist", pa.bool_()),
    ]
)


def picture(number: int) -> dict[str, Any]:
    stream = io.BytesIO()
    Image.new("RGB", (24, 16), (number, 2 * number, 0)).save(stream, "PNG")
    return {"bytes": stream.getvalue(), "path": f"{number}.png"}


def gedit_rows(**changes: Any) -> list[dict[str, Any]]:
    """Rows as the dataset has them: in each group two pictures (three in the first), in both languages under one key; the first of a group is in the intersection."""
    rows = []
    for place, group in enumerate(GEDIT.groups):
        for number in range(3 if place == 0 else 2):
            for language, text in (("en", "Make it red."), ("cn", "把它变红。")):
                row = {"task_type": group, "key": f"{place:02}{number}", "instruction": text, "instruction_language": language}
                shown = picture(10 * place + number)
                rows.append({**row, "input_image": shown, "input_image_raw": shown, "Intersection_exist": number == 0, **changes})
    return rows


def write_gedit(folder: Path, rows: list[dict[str, Any]], suffix: str = "arrow") -> None:
    """The rows as a clone of the dataset has them, in Arrow, or as Parquet."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    if suffix == "parquet":
        pq.write_table(table, folder / "data/part-0.parquet")
        return
    with pa.ipc.new_stream(folder / "data/part-0.arrow", SCHEMA) as out:
        out.write_table(table, max_chunksize=5)
