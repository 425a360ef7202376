"""Edits that a scene allows, drawn by lot."""

import random

from unicedit.world.apply import Impossible, apply
from unicedit.world.grammar import Edit, compound
from unicedit.world.operations import COMPOUND, OPERATIONS, PARTS_PHOTO, PARTS_WORLD, operations_of
from unicedit.world.scene import KINDS, Scene
from unicedit.world.words import EN, FORMS

TRIES = 60
NEEDS = {
    "Portrait Editing": "a person",
    "Text Modification": "a sign with a word on it",
    "Counting Change": "an object that can be counted",
    "Motion Change": "an object that can move",
    "Material Modification": "an object made of a material",
    "Texture Editing": "an object with a plain surface",
    "Relation Change": "two objects and a free place",
    "Object Extraction": "a distinct object",
}
UNKNOWN_THINGS = "objects whose place is known"


def domain(scene: Scene, form: str, lot: random.Random) -> list[str]:
    """Values that a slot of that form may take in the scene."""
    if form == "thing":
        return [thing.name for thing in scene.things]
    if form == "a":
        colours = list(FORMS[EN]["colour"])
        return [f"{lot.choice(colours)} {kind}" for kind in KINDS]
    return list(FORMS[EN][form])


def draw(scene: Scene, operation: str, lot: random.Random) -> Edit | None:
    """An edit by that operation that the scene allows, or None where none was found."""
    forms = OPERATIONS[operation].slots
    domains = [domain(scene, form, lot) for form in forms.values()]
    if not all(domains):
        return None
    for _ in range(TRIES if forms else 1):
        drawn = Edit(operation, tuple(lot.choice(values) for values in domains))
        if possible(drawn, scene):
            return drawn
    return None


def possible(edit: Edit, scene: Scene) -> bool:
    """Whether the scene allows the edit."""
    try:
        apply(edit, scene)
    except Impossible:
        return False
    return True


def propose(scene: Scene, subtask: str, lot: random.Random) -> Edit | None:
    """An edit of that sub-task that the scene allows, or None: the scene lacks what it needs."""
    photo = scene.backdrop is None
    if subtask == COMPOUND:
        return _two(scene, PARTS_PHOTO if photo else PARTS_WORLD, lot)
    operations = operations_of(subtask, photo)
    lot.shuffle(operations)
    for operation in operations:
        drawn = draw(scene, operation, lot)
        if drawn is not None:
            return drawn
    return None


def _two(scene: Scene, operations: tuple[str, ...], lot: random.Random) -> Edit | None:
    """Two edits of different things by different operations: neither may undo or hide the other."""
    for _ in range(TRIES):
        names = lot.sample(operations, 2)
        first = draw(scene, names[0], lot)
        if first is None:
            continue
        second = draw(apply(first, scene), names[1], lot)
        if second is None or first.things() & second.things() or not possible(second, scene):
            continue
        if not possible(compound(first, second), scene):
            continue
        return compound(first, second)
    return None


def lacks(scene: Scene, subtask: str) -> str:
    """What a scene lacks in which the sub-task is impossible."""
    return UNKNOWN_THINGS if scene.backdrop is None else NEEDS.get(subtask, "other objects")
