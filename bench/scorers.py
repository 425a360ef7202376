"""Each scorer by itself, in images a second, and against decoding the same pictures (issue 3).

The learned scorers run their published architectures with random weights, on the GPU where there is one: how fast they are does not depend on what they learned.
"""

import logging
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from clock import best_seconds
from pictures import make_photographs
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

from made_scorers import PUBLISHED, classifier, published_head, tower
from unicedit.config.prefilter import AestheticSettings, SafetySettings
from unicedit.scorers.aesthetic import AestheticScorer
from unicedit.scorers.models import device_of
from unicedit.scorers.port import Scorer
from unicedit.scorers.safety import SafetyScorer
from unicedit.scorers.technical import TechnicalScorer


def images_a_second(work: Callable[[], object], images: int, repeats: int = 3) -> float:
    """The rate of the best of ``repeats``."""
    return images / best_seconds(work, repeats)


def decoded(paths: Sequence[Path]) -> list[Image.Image]:
    """Decode files to RGB."""
    return [Image.open(path).convert("RGB") for path in paths]


def learned(folder: Path) -> list[tuple[str, Scorer]]:
    """The learned scorers in their published sizes, with random weights."""
    made: list[tuple[str, Scorer]] = []
    for predictor in ("siglip_v2_5", "laion"):
        embedding = tower(folder / predictor, predictor, PUBLISHED)
        head = folder / f"{predictor}.safetensors"
        published_head(head, predictor, embedding)
        settings = AestheticSettings(predictor=predictor, model=str(folder / predictor), head=str(head))
        made.append((f"aesthetic {predictor}", AestheticScorer(settings)))
    classifier(folder / "safety", PUBLISHED)
    return [*made, ("safety ViT-B/16", SafetyScorer(SafetySettings(model=str(folder / "safety"))))]


def main(count: int = 24) -> dict[str, float]:
    """Print and return images a second of each scorer."""
    device = device_of("auto")
    rates: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        paths = make_photographs(folder / "photos", count)
        large = decoded(paths)
        small = [image.resize((256, 256)) for image in large]
        decoding = images_a_second(lambda: decoded(paths), count)
        technical = TechnicalScorer()
        rates["technical, 1 MP"] = images_a_second(lambda: technical.score(large), count)
        rates["technical, 256 x 256"] = images_a_second(lambda: technical.score(small), count)
        few = large[: count if device == "cuda" else 4]
        for name, scorer in learned(folder):
            rates[f"{name}, random weights, {device}"] = images_a_second(partial(scorer.score, few), len(few), 2)
    for name, rate in rates.items():
        print(f"scorer {name}: {rate:.2f} images a second, {rate / decoding:.3f} of the rate of decoding the 1-MP JPEG files alone")
    return rates


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # of transformers' notes on what is not installed
    main()
