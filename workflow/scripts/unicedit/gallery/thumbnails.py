"""Thumbnails: numbered files, so that no name from outside becomes a path."""

from pathlib import Path

from PIL import Image

from unicedit.config.gallery import GallerySettings
from unicedit.pictures import decoded

FOLDER_FILES = 1000


class Thumbnails:
    """Writes each picture smaller, as ``000/000.webp``, ``000/001.webp``, … under a folder; a folder holds ``FOLDER_FILES`` at most."""

    def __init__(self, folder: Path, settings: GallerySettings) -> None:
        self.folder = folder
        self.settings = settings
        self.count = 0
        self.bytes = 0

    def add(self, picture: bytes) -> str:
        """Write the thumbnail of a stored picture; returns its path below the folder."""
        image = decoded(picture)
        image.thumbnail((self.settings.thumbnail, self.settings.thumbnail), Image.Resampling.LANCZOS)
        folder, number = divmod(self.count, FOLDER_FILES)
        name = f"{folder:03d}/{number:03d}.webp"
        path = self.folder / name
        if number == 0:
            path.parent.mkdir(parents=True)
        image.save(path, "WEBP", quality=self.settings.quality, method=2)
        self.count += 1
        self.bytes += path.stat().st_size
        return name
