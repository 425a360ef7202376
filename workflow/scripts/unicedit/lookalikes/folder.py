"""The pictures of a folder that someone fetched."""

import os
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from unicedit.ingest.decode import decode
from unicedit.map.stage import RowError
from unicedit.triplets.limits import Limits

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif")
_LIMITS = Limits()


def pictures_below(folder: Path) -> Iterator[tuple[str, Image.Image | None]]:
    """Name (relative to the folder) and RGB picture of each picture file, sorted by name; None in place of one that cannot be read or is too large."""
    found = [Path(place) / name for place, _, names in os.walk(folder) for name in names]
    for path in sorted(path for path in found if path.suffix.lower() in SUFFIXES):
        name = path.relative_to(folder).as_posix()
        try:
            if path.stat().st_size > _LIMITS.max_file_mb * 1e6:
                yield name, None
                continue
            yield name, decode(path.read_bytes(), _LIMITS.max_file_mb, _LIMITS.max_megapixels).image
        except (RowError, OSError):
            yield name, None
