"""A small editing dataset without a fault, and the same with each known fault planted, in the columns of ours."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from unicedit.taxonomy import Taxonomy

SIZE = (96, 64)


def pattern(number: int, size: tuple[int, int] = SIZE) -> Image.Image:
    """A picture of smooth blots that no other number's resembles."""
    blots = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(blots).resize(size, Image.Resampling.BICUBIC)


def stored(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def edited(number: int) -> Image.Image:
    """The picture of that number with its left half replaced."""
    image = pattern(number)
    image.paste(pattern(10_000 + number).crop((0, 0, SIZE[0] // 2, SIZE[1])), (0, 0))
    return image


def row(number: int, task: str, subtask: str) -> dict[str, Any]:
    return {
        "key": f"{number:04d}",
        "edit_task": task,
        "edit_subtask": subtask,
        "src_image": {"bytes": stored(pattern(number)), "path": f"{number}.png"},
        "edit_image": {"bytes": stored(edited(number)), "path": f"{number}.png"},
        "prompt_en": f"Replace the left half by pattern {number}.",
        "prompt_cn": f"把左半边换成图案{number}。",
    }


def clean(taxonomy: Taxonomy, each: int = 2) -> list[dict[str, Any]]:
    """Rows without a fault: ``each`` of every sub-task."""
    names = [(task.name, subtask.name) for task in taxonomy.tasks for subtask in task.subtasks] * each
    return [row(number, task, subtask) for number, (task, subtask) in enumerate(names)]


def write(folder: Path, rows: list[dict[str, Any]], files: int = 2) -> Path:
    """The rows as a dataset folder of that many Parquet files."""
    (folder / "data").mkdir(parents=True)
    size = -(-len(rows) // files)
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema([(name, kind if name.endswith("image") else pa.string()) for name in rows[0]])
    for number in range(files):
        part = pa.Table.from_pylist(rows[number * size : (number + 1) * size], schema=schema)
        pq.write_table(part, folder / "data" / f"part-{number}.parquet", row_group_size=7)
    return folder


def plant(rows: list[dict[str, Any]], benchmark: Path) -> dict[str, list[str]]:
    """Plant every known fault into the clean rows; returns what each check should name, in order. One picture of ``benchmark`` is in the dataset, two nearly."""
    expected: dict[str, list[str]] = {}

    def add(check: str, key: str, **changes: Any) -> None:
        number = len(rows)
        rows.append(row(number, rows[number % 22]["edit_task"], rows[number % 22]["edit_subtask"]) | {"key": key} | changes)
        expected.setdefault(check, []).append(key)

    def picture(image: Image.Image, kind: str = "PNG", **options: Any) -> dict[str, Any]:
        return {"bytes": stored(image, kind, **options), "path": None}

    add("duplicate keys", rows[0]["key"])
    add("sentence as label", "sentence", edit_subtask="Please make the sky behind the old house dark blue.")
    add("label set", "unknown", edit_subtask="Teleportation")
    add("task of sub-task", "misplaced", edit_task="Cooking")
    add("unreadable pictures", "torn", edit_image={"bytes": stored(pattern(901))[:500], "path": None})
    add("unreadable pictures", "text", src_image={"bytes": b"404: not found", "path": None})
    add("unreadable pictures", "none", src_image=None)
    add("shape of the edit", "cropped", edit_image=picture(pattern(902, (64, 64))))
    add("small pictures", "tiny", src_image=picture(pattern(903, (48, 32))), edit_image=picture(pattern(904, (48, 32))))
    add("exact duplicates", "again", src_image=rows[0]["src_image"], edit_image=rows[0]["edit_image"])
    add("shared edits", "shared", edit_image=rows[1]["edit_image"])
    add("near duplicates", "near", src_image=picture(pattern(2), "JPEG", quality=70))
    add("mirrored duplicates", "mirror", src_image=picture(pattern(3).transpose(Image.Transpose.FLIP_LEFT_RIGHT)))
    add("no edit, by SSIM", "same", edit_image=picture(pattern(len(rows))))
    add("no edit, by SSIM", "faint", edit_image=picture(pattern(len(rows)), "JPEG", quality=95))
    add("empty instructions", "blank", prompt_cn="  ")
    add("language of instructions", "chinese", prompt_en="把天空变成蓝色。")
    add("language of instructions", "english", prompt_cn="Make the sky blue.")
    add("long instructions", "long", prompt_en="Make it blue. " * 50)
    add("repeated instructions", "asked", src_image=rows[4]["src_image"], prompt_en=rows[4]["prompt_en"])
    benchmark.mkdir()
    for name, image in (("exact", pattern(5)), ("near", pattern(6)), ("mirror", pattern(7)), ("other", pattern(5000))):
        mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if name == "mirror" else image
        image_bytes = stored(mirrored, "JPEG", quality=75) if name == "near" else stored(mirrored)
        (benchmark / f"{name}.{'jpg' if name == 'near' else 'png'}").write_bytes(image_bytes)
    expected["contamination"] = [f"{rows[number]['key']} (source)" for number in (5, 6, 7)]
    return expected
