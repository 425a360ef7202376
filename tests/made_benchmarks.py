"""Small samples of other benchmarks, in their published schemas."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from checkout import REPOSITORY
from unicedit.benchmark.mapping import load_mapping

GEDIT_MAPPING = REPOSITORY / "config/benchmarks/gedit.yaml"
GEDIT = load_mapping(GEDIT_MAPPING)
IMGEDIT_MAPPING = REPOSITORY / "config/benchmarks/imgedit.yaml"
IMGEDIT = load_mapping(IMGEDIT_MAPPING)
KRIS_MAPPING = REPOSITORY / "config/benchmarks/kris.yaml"
KRIS = load_mapping(KRIS_MAPPING)
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


def imgedit_samples(**changes: Any) -> dict[str, dict[str, Any]]:
    """Samples as singleturn.json has them: two additions, one of every other kind."""
    kinds = ["add", *IMGEDIT.groups]
    return {
        str(100 + number): {"id": f"daily object/{number:09}.jpg", "prompt": f"Do {kind} number {number}.", "edit_type": kind, **changes}
        for number, kind in enumerate(kinds)
    }


def write_imgedit(folder: Path, samples: dict[str, dict[str, Any]]) -> None:
    """The samples and their pictures as the dataset's Benchmark.tar has them."""
    (folder / "daily object").mkdir(parents=True, exist_ok=True)
    (folder / "singleturn.json").write_text(json.dumps(samples))
    for number in range(len(samples)):
        Image.new("RGB", (24, 16), (number, 2 * number, 0)).save(folder / f"daily object/{number:09}.jpg")


def kris_samples() -> dict[str, dict[str, dict[str, Any]]]:
    """Samples by folder as the annotations have them: of one picture, of several, with a note, with a picture of a right result, and with columns left out."""

    def sample(number: int, pictures: str | list[str], note: str = "", truth: str = "") -> dict[str, Any]:
        return {"ori_img": pictures, "gt_img": truth, "ins_en": f"Do number {number}.", "explain_en": note}

    samples = {
        "count_change": {"1": sample(1, "1.jpg"), "2": sample(2, "2.png")},
        "viewpoint_change": {"1": sample(3, "1.jpg", truth="1_gt.jpg")},
        "temporal_prediction": {"1": sample(4, ["1-2.jpg", "1-3.jpg", "1-4.jpg"], truth="1-1.jpg")},
        "biology": {"1": sample(5, "1.jpg", "It turns yellow.")},
        "abstract_reasoning": {"1": sample(6, "1.jpg", "19 comes next.")},
        "multi-element_composition": {"1": sample(7, ["1-1.jpg", "1-2.jpg"])},
    }
    del samples["abstract_reasoning"]["1"]["gt_img"]
    return samples


def write_kris(folder: Path, samples: dict[str, dict[str, dict[str, Any]]]) -> None:
    """The samples and their pictures, each of its own colour, as a clone has them."""
    colour = 0
    for name, own in samples.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "annotation.json").write_text(json.dumps(own))
        for one in own.values():
            named = one["ori_img"] if isinstance(one["ori_img"], list) else [one["ori_img"]]
            for picture_name in [*named, *([one["gt_img"]] if one.get("gt_img") else [])]:
                colour += 1
                Image.new("RGB", (24, 16), (0, 7 * colour, 50)).save(folder / name / picture_name)
