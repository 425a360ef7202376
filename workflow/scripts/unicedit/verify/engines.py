"""Opening the verifier that the settings name."""

from unicedit.config.edit import EditSettings
from unicedit.config.verify import TransformersSettings, VerifySettings
from unicedit.verify.port import Verifier
from unicedit.vlm.engines import NOWHERE, VlmPlaces, open_vlm


def open_verifier(
    settings: VerifySettings, editors: EditSettings, trained: str | None = None, base: str | None = None, places: VlmPlaces = NOWHERE
) -> Verifier:
    """The engine behind ``verify.engine``. What it needs is imported here and nowhere else; only the simulated one looks at ``editors``, and only
    ``transformers`` at ``trained`` and ``base``, the models of this run.
    """
    if settings.engine == "transformers":
        from unicedit.verify.trained import TrainedVerifier

        return TrainedVerifier(settings.transformers, settings.attempts, trained, base)
    if settings.engine == "ssim":
        from unicedit.verify.ssim import SsimVerifier

        return SsimVerifier()
    from unicedit.verify.reader import ReadingVerifier

    if settings.engine in ("openai", "batch", "vllm"):
        return ReadingVerifier(open_vlm(settings, places), settings.attempts)
    from unicedit.world.verifier import SimulatedVerifier

    rates = settings.simulated
    faults = {editor.name: editor.simulated.faults for editor in editors.editors}
    flicker = {editor.name: editor.simulated.flicker for editor in editors.editors}
    engine = SimulatedVerifier(rates.miss, rates.false_alarm, rates.misstate, faults, flicker)
    return ReadingVerifier(engine, settings.attempts)


def models_of(settings: TransformersSettings, trained: str | None, base: str | None) -> list[str]:
    """Digests of the models that the engine ``transformers`` reads with."""
    from unicedit.verifier.identity import model_digest
    from unicedit.verify.models import blind_model_of, model_of

    digests = [model_digest(model_of(settings, trained), settings.revision)]
    if settings.blind_weight:
        digests.append(model_digest(blind_model_of(settings, base), settings.blind_revision))
    return digests
