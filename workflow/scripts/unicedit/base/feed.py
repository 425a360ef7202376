"""Batches of kept pictures: groups of one size, disturbed anew each time."""

import io
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from unicedit.base.heads import traits_of
from unicedit.base.pictures import Album
from unicedit.base.scenes import Group, group_of

Size = tuple[int, int]
# Noise is averaged out where a picture is made smaller (by a half to two thirds on each side).
_NOISE_KEPT = 0.6
_SHARES = (0.1, 0.5, 0.2, 0.2)  # none, flicker, recompression, shift


@dataclass(frozen=True, slots=True)
class Kept:
    """A group and where its pictures are."""

    group: Group
    size: Size
    first: int
    traits: torch.Tensor  # (1 + changes, traits)


class Feed:
    """All kept groups of a split, ready for batches."""

    def __init__(self, album: Album, limit: int | None = None) -> None:
        self.album = album
        self.by_size: dict[Size, list[Kept]] = defaultdict(list)
        for number, size, first, count in album.rows[:limit]:
            group = group_of(number, album.split)
            if count != 1 + len(group.changes):
                raise ValueError(f"{album.folder}: group {number} was drawn by other code: remove the folder")
            rows = [traits_of(group.before), *(traits_of(change.after, change.spoil) for change in group.changes)]
            self.by_size[size].append(Kept(group, size, first, torch.tensor(rows)))
        self.files = {size: album.pictures(size) for size in self.by_size}

    def batches(self, groups: int, lot: random.Random) -> Iterator[list[Kept]]:
        """Batches of so many groups of one size, once through all, in random order; what is left over of a size is left out, but a size with fewer groups
        is one batch. ``ValueError`` where there are no groups at all.
        """
        if not self.by_size:
            raise ValueError(f"{self.album.folder}: no pictures to learn from")
        batches = []
        for kept in self.by_size.values():
            order = lot.sample(kept, len(kept))
            size = min(groups, len(order))
            batches += [order[start : start + size] for start in range(0, len(order) - size + 1, size)]
        lot.shuffle(batches)
        yield from batches

    def pictures(self, batch: list[Kept]) -> np.ndarray:
        """The pictures of all groups, one after the other: (pictures, height, width, 3), uint8."""
        file = self.files[batch[0].size]
        return np.concatenate([file[kept.first : kept.first + 1 + len(kept.group.changes)] for kept in batch])


def disturbed(pictures: np.ndarray, source: np.random.Generator) -> np.ndarray:
    """What a generator changes without being asked, at the size the model sees: flicker, recompression or a shift of less than a pixel, as the
    verifier's samples have them (training/disturb.py). (pictures, height, width, 3), uint8 to uint8.
    """
    found = pictures.copy()
    for number, how in enumerate(source.choice(len(_SHARES), len(pictures), p=_SHARES)):
        if how == 1:
            found[number] = _flickered(pictures[number], source)
        elif how == 2:
            stored = io.BytesIO()
            Image.fromarray(pictures[number]).save(stored, "JPEG", quality=int(source.integers(65, 98)))
            found[number] = np.asarray(Image.open(stored).convert("RGB"))
        elif how == 3:
            found[number] = _shifted(pictures[number], source)
    return found


def _flickered(picture: np.ndarray, source: np.random.Generator) -> np.ndarray:
    """As world/look.py flickers, by one to four grey levels."""
    values = picture.astype(np.float32)
    strength = np.float32(source.uniform(1, 4))
    shift = source.uniform(-0.5, 0.5, 3).astype(np.float32) * strength
    sharper = np.float32(source.uniform(-0.02, 0.04)) * strength * _NOISE_KEPT
    across = (np.roll(values, 1, 1) + np.roll(values, -1, 1) + np.roll(values, 1, 0) + np.roll(values, -1, 0)) / 4
    noise = source.standard_normal(values.shape, dtype=np.float32) * (strength * np.float32(0.5 * _NOISE_KEPT))
    found: np.ndarray = np.clip(values + (values - across) * sharper + shift + noise + 0.5, 0, 255).astype(np.uint8)
    return found


def _shifted(picture: np.ndarray, source: np.random.Generator) -> np.ndarray:
    """Moved by at most 0.6 pixel on each axis, the edges repeated."""
    values = picture.astype(np.float32)
    for axis in (0, 1):
        far = np.float32(source.uniform(-0.6, 0.6))
        order = np.clip(np.arange(values.shape[axis]) + (1 if far > 0 else -1), 0, values.shape[axis] - 1)
        values = values * (1 - abs(far)) + values.take(order, axis) * abs(far)
    found: np.ndarray = (values + 0.5).astype(np.uint8)
    return found
