"""Chance that is the same on every machine: generators seeded from a digest of what is drawn for."""

import random
from typing import Any

import numpy as np

from unicedit.files import digest_of


def chance(*parts: Any) -> random.Random:
    """A generator that depends on nothing but ``parts`` (JSON values)."""
    return random.Random(int(digest_of(*parts), 16))


def noise_source(*parts: Any) -> np.random.Generator:
    """The same for arrays of numbers."""
    return np.random.Generator(np.random.PCG64(int(digest_of(*parts), 16)))
