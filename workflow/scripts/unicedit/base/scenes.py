"""What the lessons show: a scene of the world, and what becomes of it by a few edits. Deterministic by number.

No training lesson shows a photograph of the validation or test split, or a held-out composition (``world/scene.py``), before or after an edit.
Backdrops of half of the training scenes are made over (``grounds.py``): five photographs alone would be learned by heart.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from unicedit.ingest.crop import crop_of
from unicedit.world.apply import apply
from unicedit.world.chance import chance
from unicedit.world.faults import DAMAGE, NONE, QUALITY
from unicedit.world.grammar import Edit
from unicedit.world.operations import OPERATIONS
from unicedit.world.outcome import SPOILS, Smear
from unicedit.world.propose import draw, possible, propose
from unicedit.world.scene import MAX_NUMBER, PLACES, Scene, defect_of, held_out, scene_of
from unicedit.world.splits import LESSONS, TRAIN, Split, split_of

CHANGES = 3  # edits a scene
DIVISOR = 4  # of Kontext's sizes: what ingest's default makes of a source
_TRIES = 20

# How often an operation is drawn, where not once. What shows the same as another operation is rarer, for lessons teach to see.
_RARE = {"there_recolour": 0.3, "there_remove": 0.3, "there_resize": 0.3, "nightfall": 0.3, "good_news": 0.5, "bad_news": 0.5}
_WEIGHT = {
    "caption": 0.2,
    "tint": 0.2,
    "grain": 0.3,
    "style": 1.6,
    "tone": 1.6,
    "view": 1.3,
    "add": 2.0,
    "replace": 1.6,
    "recolour": 1.5,
} | _RARE
_WEIGHT |= {"write": 2.0, "express": 2.0, "material": 1.4, "texture": 1.2, "count": 1.2, "move": 1.3}
# What a scene may have been through before the lesson, so that any trait may be there at first.
_FORMER = ("express", "hat_on", "count", "write", "material", "texture", "resize", "move", "recolour", "replace", "add", "swap")


@dataclass(frozen=True, slots=True)
class Change:
    """One edit of a scene: what was done, the scene after it, and what spoils the picture (a word of ``SPOILS``, or a smeared patch)."""

    kind: str  # "none", "damage" or "quality", as world/faults.py names them
    edit: Edit
    after: Scene
    spoil: str = ""
    smear: Smear | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A scene and its changes. ``ground`` says that the backdrop is made over: then the scene has none of its own."""

    number: int
    before: Scene
    changes: tuple[Change, ...]
    ground: bool = False


def numbers(split: Split, seed: int) -> Iterator[int]:
    """Numbers of the world whose scenes serve the split's lessons, in random order."""
    order = list(range(LESSONS, MAX_NUMBER + 1))
    chance("lesson order", seed).shuffle(order)
    for number in order:
        if not defect_of(number) and _allowed(scene_of(_name(number)), split):
            yield number


def group_of(number: int, split: Split) -> Group:
    """The scene of that number and its changes."""
    scene = scene_of(_name(number))
    if not _allowed(scene, split):
        raise ValueError(f"{_name(number)} is not for {split} lessons")
    lot = chance("lesson", number)
    ground = split == "train" and lot.random() < 0.55
    if ground:  # drawn at once at the size ingest would make of it: twice as fast
        width, height = crop_of(scene.width, scene.height, DIVISOR).size
        scene = replace(scene, backdrop=None, width=width, height=height)
    if lot.random() < 0.3:
        for _ in range(lot.choice((1, 1, 2))):
            former = drawn(scene, lot.choice(_FORMER), lot, split)
            scene = apply(former, scene) if former else scene
    changes: list[Change] = []
    for _ in range(_TRIES):
        change = _change(scene, lot, split)
        if change is not None and change not in changes:
            changes.append(change)
        if len(changes) == CHANGES:
            break
    return Group(number, scene, tuple(changes), ground)


def _name(number: int) -> str:
    return f"world:1/{number:05d}"


def _allowed(scene: Scene, split: Split) -> bool:
    """Whether lessons of the split may show the scene. Backdrops may be put in by an edit: those are of training photographs in every split."""
    if split == "train" and held_out(scene):
        return False
    return scene.backdrop is None or split_of(scene.backdrop.photo) == split


def _fits(scene: Scene, split: Split) -> bool:
    known = scene.backdrop is None or scene.backdrop.photo in TRAIN or split_of(scene.backdrop.photo) == split
    return known and not (split == "train" and held_out(scene))


def drawn(scene: Scene, operation: str, lot: random.Random, split: Split) -> Edit | None:
    """An edit by that operation, to a scene that the split may show; None where none was found."""
    if operation == "backdrop" and (scene.backdrop is None or scene.white):
        return None
    for _ in range(_TRIES):
        edit = draw(scene, operation, lot)
        if edit is None:
            return None
        after = apply(edit, scene)
        new = operation == "backdrop" and after.backdrop is not None and after.backdrop.photo not in TRAIN
        if _fits(after, split) and not new:
            return edit
    return None


def _change(scene: Scene, lot: random.Random, split: Split) -> Change | None:
    how = lot.random()
    if how < 0.1:
        edit = propose(replace(scene, backdrop=scene.backdrop or _ANY), "Compound Operation Edits", lot)
    else:
        names = list(OPERATIONS)
        edit = drawn(scene, lot.choices(names, [_WEIGHT.get(name, 1.0) for name in names])[0], lot, split)
    if edit is None or not possible(edit, scene) or not _fits(apply(edit, scene), split):
        return None
    after = apply(edit, scene)
    if how > 0.95:
        return Change(QUALITY, edit, after, spoil=lot.choice(SPOILS))
    if how > 0.92:
        row, side = lot.choice(PLACES).split()
        smear = Smear(0.3 if side == "left" else 0.7, 0.3 if row == "top" else 0.7, round(lot.uniform(0.15, 0.2), 4))
        return Change(DAMAGE, edit, after, smear=smear)
    if how > 0.86:
        harm = drawn(after, lot.choice(_FORMER), lot, split)
        if harm is None:
            return None
        return Change(DAMAGE, edit, apply(harm, after))
    return Change(NONE, edit, after)


_ANY = scene_of(_name(LESSONS)).backdrop  # stands for "the scene has things", which an absent backdrop would deny
