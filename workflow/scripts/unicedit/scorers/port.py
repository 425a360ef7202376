"""What a scorer is: pictures in, numbers out."""

from collections.abc import Sequence
from typing import Protocol

from PIL import Image

from unicedit.config.prefilter import PrefilterSettings


class Scorer(Protocol):
    """``score`` gives for each RGB picture its columns of the prefilter table."""

    def score(self, images: Sequence[Image.Image]) -> list[dict[str, float]]: ...


def open_scorers(settings: PrefilterSettings) -> list[Scorer]:
    """The configured scorers, ready. Raises ``EngineError`` for a model that is missing: there is no silent pass."""
    from unicedit.scorers.technical import TechnicalScorer

    scorers: list[Scorer] = [TechnicalScorer()]
    if settings.aesthetic is not None:
        from unicedit.scorers.aesthetic import AestheticScorer

        scorers.append(AestheticScorer(settings.aesthetic))
    if settings.safety is not None:
        from unicedit.scorers.safety import SafetyScorer

        scorers.append(SafetyScorer(settings.safety))
    return scorers
