"""Opening the instruction writer that the settings name."""

from unicedit.config.instruct import InstructSettings
from unicedit.vlm.engines import VlmPlaces, open_vlm
from unicedit.vlm.port import VlmEngine


def open_writer(settings: InstructSettings, places: VlmPlaces) -> VlmEngine:
    """The engine behind ``instruct.engine``. What it needs is imported here and nowhere else."""
    if settings.engine != "simulated":
        return open_vlm(settings, places)
    from unicedit.world.instructor import SimulatedInstructor

    return SimulatedInstructor(settings.simulated.malformed)
