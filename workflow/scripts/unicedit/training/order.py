"""In which order rows are trained on: one list for the whole training, a function of seed and sizes alone.

As the list is made beforehand and read from front to back, a resumed training goes on with exactly the rows that would have come, on any number of devices.
Rows of an update look alike (pictures of one size, replies of about one length), so that little is padded; which rows, and in which turn, is random.
"""

import random
from collections import defaultdict
from collections.abc import Hashable, Sequence

WINDOW = 8  # batches among which rows are sorted by length: long enough to pad little, short enough to stay random


def updates(rows: int, batch: int, steps: int | None, epochs: float | None) -> int:
    """How many updates a training has."""
    if steps is not None:
        return steps
    assert epochs is not None
    return max(1, round(rows * epochs / batch))


def order(shapes: Sequence[Hashable], lengths: Sequence[int], batch: int, count: int, seed: int) -> list[int]:
    """Row numbers of ``count`` batches of ``batch`` rows each, passes over all rows one after another.

    ``shapes`` are what rows of a batch should have in common, ``lengths`` the lengths of their texts. Every row comes once before any comes twice,
    but for those that fill the last batch of a shape up.
    """
    chance = random.Random(f"order {seed}")
    found: list[int] = []
    while len(found) < count * batch:
        found += _one_pass(shapes, lengths, batch, chance)
    return found[: count * batch]


def _one_pass(shapes: Sequence[Hashable], lengths: Sequence[int], batch: int, chance: random.Random) -> list[int]:
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for number, shape in enumerate(shapes):
        groups[shape].append(number)
    batches, left = [], []
    for shape in sorted(groups, key=repr):
        rows = groups[shape]
        chance.shuffle(rows)
        whole = len(rows) // batch * batch
        left += rows[whole:]
        batches += _cut(rows[:whole], lengths, batch)
    # what is left of each shape: neighbours in the list are of one shape, so these batches mix few
    rest = len(left) % batch
    if rest and batches:
        left += chance.sample([number for one in batches for number in one], batch - rest)
    elif rest:
        left += [left[number % len(left)] for number in range(batch - rest)]
    batches += [left[at : at + batch] for at in range(0, len(left), batch)]
    chance.shuffle(batches)
    return [number for one in batches for number in one]


def _cut(rows: list[int], lengths: Sequence[int], batch: int) -> list[list[int]]:
    cut = []
    for at in range(0, len(rows), batch * WINDOW):
        window = sorted(rows[at : at + batch * WINDOW], key=lambda number: lengths[number])
        cut += [window[start : start + batch] for start in range(0, len(window), batch)]
    return cut
