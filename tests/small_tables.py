"""Small tables for tests of the stages after the prefilter: pictures drawn in place, stages run under the real map."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from unicedit.config.map import MapSettings
from unicedit.files import read_json
from unicedit.map.run import Places, run_map
from unicedit.map.stage import Stage
from unicedit.parquet import writer
from unicedit.pictures import bytes_digest
from unicedit.schema import INGEST, PREFILTER
from unicedit.sidecar import Identity


def picture(number: int, size: tuple[int, int] = (64, 48)) -> Image.Image:
    """A coloured picture with some structure, different for each number."""
    width, height = size
    grid = np.add.outer(np.arange(height) * (number % 5 + 1), np.arange(width) * 2)
    channels = [grid % 256, (grid * 3 + number * 40) % 256, np.full_like(grid, number * 20 % 256)]
    return Image.fromarray(np.stack(channels, axis=2).astype(np.uint8))


def png(image: Image.Image) -> bytes:
    """A picture as PNG."""
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def key_of(number: int) -> str:
    """The key of a picture."""
    return f"{number:020x}"


def write_table(path: Path, schema: pa.Schema, rows: Sequence[dict[str, Any]], group: int = 8) -> None:
    """Write rows with the house's options."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist([{"status": "ok", **row} for row in rows], schema=schema)
    with writer(path, schema) as out:
        for start in range(0, max(len(rows), 1), group):
            out.write_table(table.slice(start, group).combine_chunks(), row_group_size=group)


def write_sources(
    folder: Path,
    count: int,
    rejected: Sequence[int] = (),
    name: str = "photo-{}.png",
    draw: Callable[[int], Image.Image] = picture,
) -> tuple[Path, Path]:
    """An ingest and a prefilter table of ``count`` pictures; returns their paths."""
    ingest, prefilter = folder / "ingest" / "00000.parquet", folder / "prefilter" / "00000.parquet"
    rows = []
    for number in range(count):
        image = draw(number)
        crop = {"crop_left": 0, "crop_top": 0, "crop_right": image.width, "crop_bottom": image.height}
        size = {"width": image.width, "height": image.height, "image_width": image.width, "image_height": image.height}
        stored = {"image_digest": bytes_digest(png(image)), "image": png(image)}
        rows.append({"source": name.format(number), "key": key_of(number), "pixels": f"{number:064x}", **crop, **size, **stored})
    write_table(ingest, INGEST, rows)
    status = [{"status": "rejected", "reason": "quality: 1.0 < 2.0"} if number in rejected else {} for number in range(count)]
    write_table(prefilter, PREFILTER, [{"source": row["source"], "key": row["key"], **one} for row, one in zip(rows, status, strict=True)])
    return ingest, prefilter


def run_stage(stage: Stage, folder: Path, **settings: Any) -> Path:
    """Run a stage under the map with its files under ``folder``; returns the sealed table."""
    table = folder / "results" / stage.name / "00000.parquet"
    places = Places.of(table, table.with_suffix(".json"), folder / "scratch", stage.name, "00000")
    run_map(stage, places, Identity(stage.name, "00000", "code", "{}"), MapSettings(**settings))
    return table


def counts_of(table: Path) -> dict[str, Any]:
    """The sidecar of a sealed table."""
    value: dict[str, Any] = read_json(table.with_suffix(".json"))
    return value


def rows_of(table: Path) -> list[dict[str, Any]]:
    """All rows of a table."""
    rows: list[dict[str, Any]] = pq.read_table(table).to_pylist()
    return rows
