"""Small editing datasets made in the schema that each was published in."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from unicedit.schema import DATASET

ROWS = 6


def picture(number: int, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (24, 16), (number * 7 % 256, number * 31 % 256, 90)).save(stream, kind)
    return stream.getvalue()


def _file(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    _file(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())


def _pairs(folder: Path, name: Callable[[int], tuple[str, str]]) -> list[tuple[str, str]]:
    """Write the pictures of each row below ``folder``; returns their names."""
    names = [name(number) for number in range(ROWS)]
    for number, (source, edited) in enumerate(names):
        _file(folder / source, picture(2 * number, "JPEG" if source.endswith("jpg") else "PNG"))
        _file(folder / edited, picture(2 * number + 1, "JPEG" if edited.endswith("jpg") else "PNG"))
    return names


def seed_data_edit(root: Path) -> None:
    names = _pairs(root / "real_editing/images", lambda n: (f"{n:04}_source.jpg", f"{n:04}_target.jpg"))
    _jsonl(
        root / "real_editing/annotations/split_0001.jsonl",
        [{"source_image": a, "target_image": b, "instruction": f"make {n}"} for n, (a, b) in enumerate(names)],
    )
    names = _pairs(root / "multi_turn_editing/images", lambda n: (f"20240330/Data/{n}/0.jpg", f"20240330/Data/{n}/1.jpg"))
    _jsonl(
        root / "multi_turn_editing/annotations/split_0001.jsonl",
        [
            {"source_image": a, "instruction_1": f"turn {n}", "edit_image_1": b, "instruction_2": "then", "edit_image_2": "gone.jpg"}
            for n, (a, b) in enumerate(names)
        ],
    )


def imgedit(root: Path) -> None:
    names = _pairs(
        root / "Singleturn", lambda n: (f"results_remove_laion_part5/{n:05}/original.png", f"results_remove_laion_part5/{n:05}/result.png")
    )
    table = {
        "input_images": [[a] for a, _ in names],
        "output_images": [[b] for _, b in names],
        "prompt": [f"Remove {n}" for n in range(ROWS)],
    }
    (root / "Parquet").mkdir(parents=True)
    pq.write_table(pa.table(table), root / "Parquet/remove_part5.parquet", row_group_size=4)
    turns = [[{"input_images": ["a.png"], "output_images": ["b.png"], "prompt": "add"}]]
    pq.write_table(pa.table({"data": turns}), root / "Parquet/version_backtracking_part0.parquet")


def x2edit(root: Path) -> None:
    folder = root / "X2Edit_data/step1x/00000"
    folder.mkdir(parents=True)
    with tarfile.open(folder / "0.tar", "w") as tar:
        for number in range(ROWS):
            about = json.dumps({"instruction": f"change {number}", "task": "颜色更改", "label": "step1x", "liqe_score": 4.2}).encode()
            for suffix, content in (
                ("1.0.jpg", picture(2 * number)),
                ("1.1.jpg", b"mask"),
                ("2.jpg", picture(2 * number + 1)),
                ("json", about),
                ("txt", b"x"),
            ):
                member = tarfile.TarInfo(f"{number:09}.{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


def nhr_edit(root: Path) -> None:
    names = _pairs(root / "train", lambda n: (f"images/00/image_{n}_original.jpg", f"images/00/image_{n}_edited_0.jpg"))
    rows = [
        {
            "sample_id": f"s{n}",
            "source_file_name": a,
            "edited_file_name": b,
            "edit_instruction": f"edit {n}",
            "augmented_instructions": ["other words"],
            "img_width": 24,
            "img_height": 16,
            "category": "add",
            "style": "photo",
            "kind": "original",
        }
        for n, (a, b) in enumerate(names)
    ]
    _jsonl(root / "train/metadata.jsonl", rows)


def gpt_image_edit(root: Path) -> None:
    for family, task in (("hqedit", "edit"), ("ultraedit", "add")):
        names = _pairs(root / family / task, lambda n: (f"input/{n:08}.png", f"output/{n:08}.png"))
        rows = [
            {
                "id": f"{family}_{task}_{n:08}",
                "dataset_source": family,
                "task": task,
                "input": a,
                "output": b,
                "instruction": f"{family} {n}",
                "instruction_type": "original",
                "input_description": "",
            }
            for n, (a, b) in enumerate(names)
        ]
        _file(root / family / task / "metadata" / f"{family}_{task}.json", json.dumps(rows).encode())


def nano_consistent(root: Path) -> None:
    """Every second row is a composition of two pictures."""
    names = _pairs(root, lambda n: (f"Image/orignal/people/{n}.jpg", f"Image/output/action/{n}.jpg"))
    rows = [
        {
            "task_type": "ic",
            "instruction": f"pose {n}",
            "input_images": [f"Nano-150k/{a}"] * (1 + n % 2),
            "output_image": f"Nano-150k/{b}",
            "general_prompt": "",
        }
        for n, (a, b) in enumerate(names)
    ]
    _jsonl(root / "json/action.jsonl", rows)


def _structs(folder: Path, schema: pa.Schema) -> None:
    rows = [
        {
            "key": f"k{n}",
            "edit_task": "Object Editing",
            "edit_subtask": "Object Removal",
            "src_image": {"bytes": picture(2 * n), "path": None},
            "edit_image": {"bytes": picture(2 * n + 1), "path": None},
            "prompt_en": f"remove {n}",
            "prompt_cn": f"移除 {n}",
        }
        for n in range(ROWS)
    ]
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "shard-00000.parquet", row_group_size=4)


def unicedit_10m(root: Path) -> None:
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    texts = [(name, pa.string()) for name in ("key", "edit_task", "edit_subtask", "prompt_en", "prompt_cn")]
    _structs(root / "data/object", pa.schema([*texts, ("src_image", image), ("edit_image", image)]))


def ours(root: Path) -> None:
    _structs(root / "data", DATASET)


MADE: dict[str, Callable[[Path], None]] = {
    "seed_data_edit": seed_data_edit,
    "imgedit": imgedit,
    "x2edit": x2edit,
    "nhr_edit": nhr_edit,
    "gpt_image_edit": gpt_image_edit,
    "nano_consistent": nano_consistent,
    "unicedit_10m": unicedit_10m,
    "ours": ours,
}
