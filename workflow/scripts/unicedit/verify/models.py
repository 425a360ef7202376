"""Which models a trained verifier reads with."""

from unicedit.config.verify import TransformersSettings
from unicedit.map.compute import EngineError


def model_of(settings: TransformersSettings, trained: str | None) -> str:
    """The verifier: the one that the settings name, or else the one trained in this run. Raises ``EngineError`` where there is neither."""
    if not (path := settings.model or trained):
        raise EngineError("config: verify.transformers.model: names no model, and none was trained in this run")
    return path


def blind_model_of(settings: TransformersSettings, base: str | None) -> str:
    """The blind reader: the one that the settings name, or else the base. Raises ``EngineError`` where there is neither."""
    if not (path := settings.blind_model or base):
        raise EngineError("config: verify.transformers.blind_model: names no model, and no base was given; or set blind_weight to 0")
    return path
