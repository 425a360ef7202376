"""Opening the editors that the settings name."""

from collections.abc import Callable

from unicedit.config.ark import ArkSettings
from unicedit.config.diffusers import DiffusersSettings
from unicedit.config.edit import EditorSettings
from unicedit.config.gemini import GeminiSettings
from unicedit.config.images import ImagesSettings
from unicedit.config.openai_images import OpenAiImagesSettings
from unicedit.config.python import PythonEditorSettings
from unicedit.edit.port import Editor
from unicedit.vlm.engines import NOWHERE, VlmPlaces


def waits_for_server(settings: EditorSettings) -> bool:
    """Whether the editor is behind an image API: a job that uses it computes nothing itself."""
    return isinstance(settings.own, OpenAiImagesSettings | GeminiSettings | ArkSettings)


def open_editor(settings: EditorSettings, places: VlmPlaces = NOWHERE) -> Editor:
    """The engine behind an editor's ``engine``. What it needs is imported here and nowhere else."""
    own = settings.own
    if isinstance(own, DiffusersSettings):
        from unicedit.edit.diffusers import DiffusersEditor

        return DiffusersEditor(own, settings.name)
    if isinstance(own, ImagesSettings):
        from unicedit.edit.images import FinishedPictures

        return FinishedPictures(own)
    if isinstance(own, OpenAiImagesSettings | GeminiSettings | ArkSettings):
        from unicedit.edit.http import HttpEditor

        return HttpEditor(own, settings.name, places)
    if isinstance(own, PythonEditorSettings):
        from unicedit.edit.python import PythonEditor

        return PythonEditor(own, settings.name)
    from unicedit.world.editor import SimulatedEditor

    return SimulatedEditor(settings.simulated.faults, settings.simulated.flicker)


def editor_module(settings: EditorSettings) -> str:
    """The module that decides its edits, for a recipe."""
    return "unicedit.world.editor" if settings.engine == "simulated" else f"unicedit.edit.{settings.engine}"


def inputs_of(settings: EditorSettings) -> Callable[[str, str], list[str]]:
    """What of an editor is among its rows' inputs, by the instruction's key and sub-task: digests of weights at hand, or of the finished picture."""
    own = settings.own
    if isinstance(own, DiffusersSettings):
        from unicedit.edit.weights import pipeline_digest

        weights = pipeline_digest(own)
        return lambda instruction, subtask: weights
    if isinstance(own, ImagesSettings):
        from unicedit.edit.images import FinishedPictures

        pictures = FinishedPictures(own)
        return lambda instruction, subtask: [pictures.digest(instruction, subtask)]
    return lambda instruction, subtask: []
