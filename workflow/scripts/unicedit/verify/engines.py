"""Opening the verifier that the settings name."""

from unicedit.config.edit import EditSettings
from unicedit.config.verify import VerifySettings
from unicedit.verify.port import Verifier


def open_verifier(settings: VerifySettings, editors: EditSettings) -> Verifier:
    """The engine behind ``verify.engine``. What it needs is imported here and nowhere else; only the simulated one looks at ``editors``."""
    if settings.engine == "ssim":
        from unicedit.verify.ssim import SsimVerifier

        return SsimVerifier()
    from unicedit.verify.reader import ReadingVerifier
    from unicedit.world.verifier import SimulatedVerifier

    rates = settings.simulated
    faults = {editor.name: editor.simulated.faults for editor in editors.editors}
    flicker = {editor.name: editor.simulated.flicker for editor in editors.editors}
    engine = SimulatedVerifier(rates.miss, rates.false_alarm, rates.misstate, faults, flicker)
    return ReadingVerifier(engine, settings.attempts)
