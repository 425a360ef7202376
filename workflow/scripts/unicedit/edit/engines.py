"""Opening the editors that the settings name."""

from unicedit.config.edit import EditorSettings
from unicedit.edit.port import Editor


def open_editor(settings: EditorSettings) -> Editor:
    """The engine behind an editor's ``engine``. What it needs is imported here and nowhere else."""
    if settings.engine == "diffusers" and settings.diffusers:
        from unicedit.edit.diffusers import DiffusersEditor

        return DiffusersEditor(settings.diffusers, settings.name)
    from unicedit.world.editor import SimulatedEditor

    return SimulatedEditor(settings.simulated.faults, settings.simulated.flicker)


def editor_module(settings: EditorSettings) -> str:
    """The module that decides its edits, for a recipe."""
    return "unicedit.world.editor" if settings.engine == "simulated" else f"unicedit.edit.{settings.engine}"


def weights_of(settings: EditorSettings) -> list[str]:
    """Digests of the weights that it edits with, where they are at hand."""
    if settings.engine != "diffusers" or settings.diffusers is None:
        return []
    from unicedit.edit.weights import pipeline_digest

    return pipeline_digest(settings.diffusers)
