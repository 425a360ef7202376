"""An editor of one's own, in a Python file that is no part of this repository (docs/own-editor.md)."""

from collections.abc import Sequence

from PIL import Image

from unicedit.config.python import PythonEditorSettings
from unicedit.edit.port import Edited, EditRequest
from unicedit.map.compute import UnexpectedError
from unicedit.map.stage import RowError
from unicedit.program.load import Program


class PythonEditor:
    """Calls the program with one picture at a time. What it raises, and what it gives that is no picture, is a failed row."""

    def __init__(self, settings: PythonEditorSettings, name: str) -> None:
        self.settings = settings
        self.program = Program(settings, ("image", "instruction", "seed"), f"editor {name}")

    def edit(self, requests: Sequence[EditRequest]) -> list[Edited]:
        """The picture of each request, in the size that the program gave it, or why there is none."""
        return [self._one(request) for request in requests]

    def _one(self, request: EditRequest) -> Edited:
        try:
            return picture(self.program(request.image, request.said(self.settings.language), request.seed), self.settings.name)
        except RowError as error:
            return error


def picture(made: object, name: str) -> Image.Image:
    """What a program gave, as a picture of its own in RGB. Raises ``RowError`` where it is none."""
    if not isinstance(made, Image.Image):
        raise UnexpectedError(f"no_picture: {name} gave {type(made).__name__}, and a PIL.Image.Image is wanted")
    if not made.width or not made.height:
        raise UnexpectedError(f"no_picture: {name} gave {made.width} x {made.height} pixels")
    try:
        return made.convert("RGB")  # a copy: the program may go on drawing on its own
    except (OSError, ValueError, SyntaxError) as error:  # opened from a file, and read only now
        raise UnexpectedError(f"no_picture: {name} gave one that cannot be read ({' '.join(str(error).split())[:300]})") from error
