"""Opening the editors that the settings name."""

from unicedit.config.edit import EditorSettings
from unicedit.edit.port import Editor


def open_editor(settings: EditorSettings) -> Editor:
    """The engine behind an editor's ``engine``. What it needs is imported here and nowhere else."""
    from unicedit.world.editor import SimulatedEditor

    return SimulatedEditor(settings.simulated.faults, settings.simulated.flicker)
