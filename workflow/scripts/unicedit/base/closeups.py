"""Close-ups of single things, cut out of the kept pictures: an eighth of a picture's cost, and all of it about one thing.

Shapes, faces and letters are what the tower finds hardest; from close-ups it learns them several times faster than from whole pictures.
"""

import random
from typing import Any

import numpy as np
import torch

from unicedit.base.feed import Feed, Kept, disturbed
from unicedit.base.heads import THING, Heads
from unicedit.base.model import tokens_of
from unicedit.base.scenes import DIVISOR
from unicedit.ingest.crop import crop_of
from unicedit.world.look import ZOOM_IN, ZOOM_OUT
from unicedit.world.render import FAR, JUMP, NEAR, SIDE
from unicedit.world.scene import PLACES, Scene, Thing

EDGE = 56  # pixels: two tokens each way
_JITTER = 7  # pixels the thing may lie off the middle


def centre(thing: Thing, scene: Scene, size: tuple[int, int]) -> tuple[float, float]:
    """Where the thing's middle is in the picture the model sees: x, y in pixels. As world/render.py places it, then as ingest crops."""
    unit = min(scene.width, scene.height)
    row, column = thing.place.split()
    scale = {"in": 1 / ZOOM_IN, "out": ZOOM_OUT}.get(scene.look.zoom, 1.0)
    x = scene.width * (NEAR if column == "left" else FAR) + thing.nudge[0] * unit
    y = scene.height * (NEAR if row == "top" else FAR) + thing.nudge[1] * unit
    x, y = scene.width / 2 + (x - scene.width / 2) * scale, scene.height / 2 + (y - scene.height / 2) * scale
    if thing.pose == "jump":
        y -= JUMP * unit * scale
    left, top, right, bottom = crop_of(scene.width, scene.height, DIVISOR).box
    return (x - left) / (right - left) * size[1], (y - top) / (bottom - top) * size[0]


def side(thing: Thing, scene: Scene, size: tuple[int, int]) -> float:
    """How large the thing is there, in pixels."""
    return SIDE[thing.size] * min(size) * {"in": 1 / ZOOM_IN, "out": ZOOM_OUT}.get(scene.look.zoom, 1.0)


def close_ups(feed: Feed, count: int, lot: random.Random, source: np.random.Generator) -> tuple[np.ndarray, torch.Tensor]:
    """So many close-ups, (count, 56, 56, 3) uint8, and the traits of the thing in each, (count, traits of a thing)."""
    everything = [kept for each in feed.by_size.values() for kept in each]
    pictures: list[np.ndarray] = []
    traits: list[torch.Tensor] = []
    while len(pictures) < count:
        kept = lot.choice(everything)
        number = lot.randrange(1 + len(kept.group.changes))
        change = kept.group.changes[number - 1] if number else None
        scene = kept.group.before if change is None else change.after
        if scene.look.view != "front" or (change is not None and change.smear is not None):
            continue
        whole = feed.files[kept.size][kept.first + number]
        for place in PLACES:
            found = _cut(whole, kept, scene, place, lot)
            if found is not None:
                pictures.append(found)
                start = PLACES.index(place) * len(THING)
                traits.append(kept.traits[number, start : start + len(THING)])
    return disturbed(np.stack(pictures[:count]), source), torch.stack(traits[:count])


def _cut(whole: np.ndarray, kept: Kept, scene: Scene, place: str, lot: random.Random) -> np.ndarray | None:
    """The close-up of a place; None where the thing is too large for it. Of empty places, one in eight."""
    thing = scene.at(place)
    if thing is None and lot.random() > 0.125:
        return None
    if thing is not None and side(thing, scene, kept.size) > EDGE + 2:
        return None
    x, y = centre(thing or Thing("ball", "red", place), scene, kept.size)
    left, top = (round(middle - EDGE / 2 + lot.uniform(-_JITTER, _JITTER)) for middle in (x, y))
    left, top = min(max(left, 0), kept.size[1] - EDGE), min(max(top, 0), kept.size[0] - EDGE)
    return np.asarray(whole[top : top + EDGE, left : left + EDGE])


def close_up_logits(tower: Any, heads: Heads, pictures: np.ndarray, processor: Any) -> list[torch.Tensor]:
    """Logits of a thing's traits, by the classifier that serves whole pictures too."""
    return heads.thing_alone(tokens_of(tower, pictures, processor))
