"""Finished pictures in a folder, taken as edits: so that any editor can be measured without code."""

from collections.abc import Sequence
from pathlib import Path

from unicedit.config.images import ImagesSettings
from unicedit.edit.port import Edited, EditRequest
from unicedit.files import sha256_of_file
from unicedit.ingest.decode import decode
from unicedit.map.compute import EngineError
from unicedit.map.stage import RowError


class FinishedPictures:
    """The pictures of one folder, by instruction. Raises ``EngineError`` where there is no such folder."""

    def __init__(self, settings: ImagesSettings) -> None:
        self.settings = settings
        self.folder = Path(settings.folder).resolve()
        if not self.folder.is_dir():
            raise EngineError(f"images.folder = {settings.folder!r}: no such folder")

    def name(self, instruction: str, subtask: str) -> str:
        """Where the picture should lie, below the folder."""
        if self.settings.layout == "plain":
            return f"{instruction}.png"
        return f"{subtask.replace(' ', '_')}/{self.settings.language}/{instruction}.png"

    def path(self, instruction: str, subtask: str) -> Path:
        """Where it lies. Raises ``RowError`` where there is none, or it would lie outside the folder."""
        name = self.name(instruction, subtask)
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder):
            raise RowError(f"not_inside: {name} leads out of the folder")
        if not path.is_file():
            raise RowError(f"missing: {name}")
        return path

    def digest(self, instruction: str, subtask: str) -> str:
        """A digest of the picture's bytes, or why there is none: one of its row's inputs."""
        try:
            return sha256_of_file(self.path(instruction, subtask))
        except RowError as error:
            return str(error)

    def edit(self, requests: Sequence[EditRequest]) -> list[Edited]:
        """The picture of each request, in the size it has."""
        return [self._read(request) for request in requests]

    def _read(self, request: EditRequest) -> Edited:
        settings = self.settings
        try:
            path = self.path(request.instruction, request.subtask)
            if (size := path.stat().st_size) > settings.max_file_mb * 1e6:
                return RowError(f"too_large: {size / 1e6:.1f} MB > {settings.max_file_mb:g} MB")
            return decode(path.read_bytes(), settings.max_file_mb, settings.max_megapixels).image
        except RowError as error:
            return error
