"""Galleries for tests to open, and what their chunks hold."""

import io
import json
from pathlib import Path
from typing import Any

from PIL import Image

from made_tables import assembled, picture, shard_tables
from unicedit.config.gallery import GallerySettings
from unicedit.gallery.chunks import script_json, write_chunks
from unicedit.gallery.gallery import gallery
from unicedit.gallery.page import write_page
from unicedit.gallery.thumbnails import Thumbnails

HOSTILE = "<script>window.taken = 1</script></script><img src=x onerror='window.taken = 2'>&lt;b&gt; "


def rows_of(results: Path) -> list[dict[str, Any]]:
    """The rows that a gallery's chunks hold."""
    rows: list[dict[str, Any]] = []
    for path in sorted((results / "gallery" / "data" / "rows").glob("*.js")):
        rows += json.loads(path.read_text().removeprefix("unicedit.take(").removesuffix(");\n"))
    return rows


def hostile_gallery(results: Path) -> None:
    """A results folder whose texts try to become markup."""
    shards = ("00000", "00001")
    for number, shard in enumerate(shards):
        shard_tables(results, shard, images=36, offset=36 * number, text=HOSTILE)
    assembled(results, shards)
    gallery(results, shards, GallerySettings(), ["edit"])


def large_gallery(results: Path) -> None:
    """A gallery of 10,000 rows whose thumbnails are as large as they come."""
    folder = results / "gallery"
    settings = GallerySettings()
    thumbnails = Thumbnails(folder / "data" / "pictures", settings)
    kinds = [thumbnails.add(_wide(number)) for number in range(60)]
    made = (
        {
            "id": f"{number // 1000:05d}/verify/{number:020x}-00-editor",
            "key": f"{number:020x}-00-editor",
            "stage": "verify",
            "shard": f"{number // 1000:05d}",
            "status": "ok" if number % 3 else "rejected",
            **({} if number % 3 else {"kind": "no_change", "reason": "no_change: nothing was done"}),
            "is_changed": bool(number % 3),
            "task": "Scene Editing",
            "subtask": ("Tone Transformation", "Style Transfer")[number % 2],
            "editor": f"editor-{number % 4}",
            "instruction_en": f"Make number {number} larger.",
            "prompt_en": f"Number {number} was made larger.",
            "source_caption": "A long caption of the source picture, as models write them. " * 6,
            "edit_caption": "A long caption of the edited picture, as models write them. " * 6,
            "differences": ["One thing differs.", "Another differs too."],
            "quality": number % 100 / 10,
            "before": kinds[number % 60],
            "after": kinds[(number + 1) % 60],
            "image_width": 512,
            "image_height": 341,
        }
        for number in range(10_000)
    )
    names = write_chunks(made, folder / "data" / "rows")
    manifest = {"chunks": names, "rows": 10_000, "total": 22_368_563}
    (folder / "data" / "manifest.js").write_text(f"unicedit.begin({script_json(manifest)});\n")
    write_page(folder, shown=10_000, total=22_368_563, simulated=[])


def _wide(number: int) -> bytes:
    """A noisy picture larger than a thumbnail."""
    with Image.open(io.BytesIO(picture(number))) as small:
        noise = Image.effect_noise((768, 512), 60).convert("RGB")
        stream = io.BytesIO()
        Image.blend(small.convert("RGB").resize((768, 512)), noise, 0.3).save(stream, "PNG", compress_level=1)
    return stream.getvalue()
