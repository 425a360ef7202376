"""What comes of one simulated edit: drawn by lot, the same whenever it is asked."""

import random
from dataclasses import dataclass

from unicedit.provenance import Provenance
from unicedit.world.apply import Impossible, apply, resolved
from unicedit.world.chance import chance
from unicedit.world.faults import DAMAGE, MISALIGNED, NO_EDIT, NONE, QUALITY, VALID, FaultRates
from unicedit.world.grammar import Edit, Unreadable, compound, read
from unicedit.world.operations import OPERATIONS
from unicedit.world.propose import TRIES, domain, draw, possible
from unicedit.world.scene import PLACES, Scene, Thing, scene_of

SPOILS = ("blur", "blocks", "noise", "bands")
WORLD_PREFIX = "world:"

# What may go wrong in place of an edit without things, and what may be damaged beside an edit.
_WHOLE = ("tone", "style", "view", "zoom_in", "zoom_out", "blur", "backdrop", "tint", "grain", "caption", "nightfall", "aged")
_ONE = ("recolour", "remove", "replace", "resize", "texture", "material", "move")
_HARM = ("recolour", "remove", "replace", "resize", "texture", "move")


@dataclass(frozen=True, slots=True)
class Smear:
    """A spoilt patch: its centre and radius in shares of the picture's width, height and shorter side."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What really happened. ``after`` is the scene without the damage, ``final`` with it; ``edit`` is what was done, None for nothing."""

    kind: str
    edit: Edit | None
    before: Scene
    after: Scene
    final: Scene
    smear: Smear | None = None
    spoil: str = ""

    @property
    def valid(self) -> bool:
        """Whether a valid edit took place: what a perfect filter keeps."""
        return self.kind in VALID


def scene_behind(provenance: Provenance) -> Scene:
    """The scene a picture shows; for a user's photograph one without things, of the size it has after ingest."""
    if provenance.source.startswith(WORLD_PREFIX):
        return scene_of(provenance.source)
    return Scene(provenance.image_width, provenance.image_height, None)


def outcome(provenance: Provenance, instruction: str, seed: int, rates: FaultRates) -> Outcome:
    """What comes of one edit: always the same for the same image, instruction, seed and rates.

    An instruction that is not the world's, or that the scene does not allow, changes nothing (``no_edit``).
    """
    before = scene_behind(provenance)
    try:
        asked = read(instruction)
        after = apply(asked, before)
    except (Unreadable, Impossible):
        return Outcome(NO_EDIT, None, before, before, before)
    # The kind is drawn by itself, first: other rates then move edits between kinds but do not reshuffle their details.
    kind = rates.draw(chance("fault", provenance.key, instruction, seed).random())
    lot = chance("fault details", provenance.key, instruction, seed)
    if kind == NO_EDIT:
        return Outcome(NO_EDIT, None, before, before, before)
    if kind == MISALIGNED:
        other = mistaken(asked, before, lot)
        done = apply(other, before)
        return Outcome(MISALIGNED, other, before, done, done)
    if kind == QUALITY:
        return Outcome(QUALITY, asked, before, after, after, spoil=lot.choice(SPOILS))
    if kind == DAMAGE:
        final, smear = _damaged(asked, before, after, lot)
        return Outcome(DAMAGE, asked, before, after, final, smear)
    return Outcome(NONE, asked, before, after, after)


def mistaken(asked: Edit, scene: Scene, lot: random.Random) -> Edit:
    """An edit that a model might make, or a verifier might read, in place of the one asked: same target, another value or operation."""
    intended = apply(asked, scene)
    for _ in range(TRIES):
        other = _compound_mistake(asked, scene, lot) if asked.parts else _mistake(asked, scene, lot)
        if other is not None and other != asked and possible(other, scene) and apply(other, scene) != intended:
            return other
    for operation in ("tone", "style"):  # always possible, for a picture whose look is its first
        other = draw(scene, operation, lot)
        if other is not None and apply(other, scene) != intended:
            return other
    raise Impossible("nothing else to do in this picture")


def _mistake(asked: Edit, scene: Scene, lot: random.Random) -> Edit | None:
    operation = OPERATIONS[asked.operation]
    free = [slot for slot, form in operation.slots.items() if form not in ("thing", "relation")]
    if free and lot.random() < 0.7:
        wrong = lot.choice(free)
        values = {**asked.slots, wrong: lot.choice(domain(scene, operation.slots[wrong], lot))}
        return Edit(asked.operation, tuple(values[slot] for slot in operation.slots))
    target = _target(asked, scene)
    if target is None:
        return draw(scene, lot.choice([name for name in _WHOLE if _fits(name, scene)]), lot)
    other = draw(scene, lot.choice(_ONE), lot)
    if other is None or "thing" not in other.slots:
        return None
    values = {**other.slots, "thing": target.name}
    return Edit(other.operation, tuple(values[slot] for slot in OPERATIONS[other.operation].slots))


def _compound_mistake(asked: Edit, scene: Scene, lot: random.Random) -> Edit | None:
    first, second = asked.parts
    if lot.random() < 0.5:
        return lot.choice([part for part in asked.parts if possible(part, scene)])
    if lot.random() < 0.5:
        wrong = _mistake(first, scene, lot)
        return wrong and compound(wrong, second)
    middle = apply(first, scene)
    wrong = _mistake(second, middle, lot)
    return wrong and compound(first, wrong)


def _target(asked: Edit, scene: Scene) -> Thing | None:
    """The one thing an edit is about."""
    slots = asked.slots
    if "thing" in slots:
        return scene.thing(slots["thing"])
    return resolved(scene, slots["relation"], slots["anchor"]) if "anchor" in slots else None


def _fits(operation: str, scene: Scene) -> bool:
    return OPERATIONS[operation].photo if scene.backdrop is None else OPERATIONS[operation].world


def _damaged(asked: Edit, before: Scene, after: Scene, lot: random.Random) -> tuple[Scene, Smear | None]:
    """The scene with another thing changed as well, or where none is left, a smeared patch."""
    beside = [thing for thing in after.things if thing in before.things and thing.name not in asked.things()]
    for _ in range(TRIES if beside and not after.white else 0):
        harm = draw(after, lot.choice(_HARM), lot)
        if harm is not None and harm.things() <= {thing.name for thing in beside}:
            return apply(harm, after), None
    touched = {thing.place for thing in after.things if thing not in before.things}
    touched |= {thing.place for thing in before.things if thing not in after.things}
    row, side = lot.choice([place for place in PLACES if place not in touched] or PLACES).split()
    return after, Smear(0.3 if side == "left" else 0.7, 0.3 if row == "top" else 0.7, round(lot.uniform(0.15, 0.2), 4))
