"""Everything the gallery's gather makes: index.html, app/ (style and scripts) and data/ (rows and thumbnails)."""

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from unicedit.config.gallery import GallerySettings
from unicedit.gallery.chunks import script_json, write_chunks
from unicedit.gallery.leaves import sample
from unicedit.gallery.page import write_page
from unicedit.gallery.rows import gallery_rows
from unicedit.gallery.thumbnails import Thumbnails
from unicedit.schema import STATUSES

SAID = {
    "library": "source pictures (drawn objects in real photographs)",
    "instruct": "instructions",
    "edit": "edits",
    "verify": "verdicts",
}


def gallery(results: Path, shards: Sequence[str], settings: GallerySettings, simulated: Sequence[str]) -> dict[str, int]:
    """Write the gallery into ``results/gallery``; returns the rows it shows by status.

    ``simulated`` names what was played by a simulation. Memory holds one chunk of rows and a few row groups, however long the run.
    """
    folder = results / "gallery"
    data = folder / "data"
    if data.exists():
        shutil.rmtree(data)
    chosen = sample(results, shards, settings.rows)
    thumbnails = Thumbnails(data / "pictures", settings)
    status = Counter(dict.fromkeys(STATUSES, 0))

    def counted() -> Iterator[dict[str, Any]]:
        for row in gallery_rows(results, list(shards), chosen, thumbnails):
            status[row["status"]] += 1
            yield row

    names = write_chunks(counted(), data / "rows")
    manifest = {"chunks": names, "rows": chosen.shown, "total": chosen.total}
    (data / "manifest.js").write_text(f"unicedit.begin({script_json(manifest)});\n", encoding="ascii")
    write_page(folder, shown=chosen.shown, total=chosen.total, simulated=[SAID[name] for name in simulated])
    return dict(status)
