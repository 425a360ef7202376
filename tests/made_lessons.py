"""Scenes of the base model's lessons, for its tests."""

from unicedit.base.scenes import Group, group_of, numbers
from unicedit.world.splits import Split


def first_groups(split: Split, count: int, seed: int = 0) -> list[Group]:
    """The first scenes of a split, with their edits."""
    return [group_of(number, split) for number, _ in zip(numbers(split, seed), range(count), strict=False)]
