"""Opening the instruction writer that the settings name."""

from unicedit.config.instruct import InstructSettings
from unicedit.vlm.port import VlmEngine


def open_writer(settings: InstructSettings) -> VlmEngine:
    """The engine behind ``instruct.engine``. What it needs is imported here and nowhere else."""
    from unicedit.world.instructor import SimulatedInstructor

    return SimulatedInstructor(settings.simulated.malformed)
