"""Records and their pictures as files that ``benchmark.source: files`` reads: test_data.jsonl and images."""

import io
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from unicedit.benchmark.record import record_of

NAME = "test_data.jsonl"
_SUFFIXES = {"PNG": "png", "WEBP": "webp", "JPEG": "jpg"}


def write_layout(folder: Path, records: Iterable[Mapping[str, Any]], picture: Callable[[str], bytes], more: tuple[str, ...] = ()) -> None:
    """Write records (columns as in the table of records, and ``more``) into a new folder; ``picture`` gives a record's picture by its key, encoded.

    Raises ``BenchmarkError`` for a record that reading would refuse.
    """
    (folder / "images").mkdir(parents=True)
    with (folder / NAME).open("w", encoding="utf-8") as stream:
        for record in records:
            data = picture(record["key"])
            path = f"images/{record['image_digest']}.{_suffix(data)}"  # records of one picture share a file
            (folder / path).write_bytes(data)
            values = {name: record[name] for name in ("key", "task", "subtask", "cn", "en")}
            values |= {"image_path": path, "resolution": [record["image_width"], record["image_height"]]}
            if record["reasoning_points"]:
                values["reasoning_points"] = record["reasoning_points"]
            record_of(values, f"{NAME}: {record['key']}")  # a text may be longer than a record's can be
            values |= {name: record[name] for name in more}
            stream.write(json.dumps(values, ensure_ascii=False) + "\n")


def _suffix(data: bytes) -> str:
    with Image.open(io.BytesIO(data), formats=tuple(_SUFFIXES)) as opened:
        return _SUFFIXES[str(opened.format)]
