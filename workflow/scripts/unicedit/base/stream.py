"""What steps learn from, made ahead by worker processes where there are some: an accelerator would wait for it otherwise."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from torch.utils.data import DataLoader, Dataset

from unicedit.base.feed import Feed, Kept

Portion = TypeVar("Portion")
AHEAD = 4  # portions a worker makes ahead


class _Portions(Dataset[Portion]):  # type: ignore[misc]
    """One pass through a feed. A portion is made of its batch and of numbers drawn for it alone, so that workers change nothing."""

    def __init__(
        self, batches: Sequence[list[Kept]], make: Callable[[list[Kept], random.Random, np.random.Generator], Portion], seed: int
    ) -> None:
        self.batches, self.make, self.seed = batches, make, seed

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, number: int) -> Portion:
        return self.make(self.batches[number], random.Random(f"{self.seed} {number}"), np.random.default_rng((self.seed, number)))


def portions(
    feed: Feed, groups: int, make: Callable[[list[Kept], random.Random, np.random.Generator], Portion], seed: int, workers: int = 0
) -> Iterator[Portion]:
    """Portions without end, of so many groups each: pass after pass through the feed, in random order."""
    lot = random.Random(seed)
    while True:
        made = _Portions(list(feed.batches(groups, lot)), make, lot.getrandbits(32))
        yield from DataLoader(made, batch_size=None, num_workers=workers, collate_fn=_as_it_is, prefetch_factor=AHEAD if workers else None)


def _as_it_is(portion: Portion) -> Portion:
    return portion
