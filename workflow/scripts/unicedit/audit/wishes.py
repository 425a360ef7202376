"""What an audit is asked for, and from where on a thing counts as a fault: our choices, told in the report."""

from dataclasses import asdict, dataclass
from pathlib import Path

from unicedit.config.duplicates import DuplicatesSettings
from unicedit.config.verify import SsimSettings
from unicedit.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class Limits:
    """Thresholds. Sides in pixels, lengths in characters, distances in bits of 64."""

    max_ratio: float = 10.0  # the most frequent sub-task to any other
    min_side: int = 64
    max_aspect_change: float = 0.02  # of the edit's aspect ratio, relative to the source's
    max_similarity: float = SsimSettings().threshold
    max_distance: int = DuplicatesSettings().max_distance
    max_length_en: int = 500
    max_length_cn: int = 250

    def shown(self) -> dict[str, float]:
        """By name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Wishes:
    """``taxonomy`` is None where labels are the dataset's own; ``benchmark`` a folder of pictures; ``verified`` whether a trained verifier gave verdicts."""

    taxonomy: Taxonomy | None
    limits: Limits = Limits()
    benchmark: Path | None = None
    verified: bool = False
