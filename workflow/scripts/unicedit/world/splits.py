"""Which photographs train, validate and test. A model that learns in the world sees the training photographs alone."""

from typing import Literal

from unicedit.world.photos import PHOTOS

Split = Literal["train", "validation", "test"]

VALIDATION = ("coffee",)
TEST = ("cat", "palace")
TRAIN = tuple(name for name in PHOTOS if name not in VALIDATION + TEST)

# World numbers by use: the library has those before SAMPLES, the verifier's samples those before LESSONS, the base model the rest.
SAMPLES, LESSONS = 10_000, 20_000


def split_of(photo: str) -> Split:
    """The split of a photograph, by its name in ``PHOTOS``; ``KeyError`` for a name that is none."""
    if photo in TEST:
        return "test"
    if photo in VALIDATION:
        return "validation"
    PHOTOS[photo]
    return "train"
