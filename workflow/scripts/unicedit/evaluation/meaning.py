"""What an edit of the simulated world comes to, so that two texts can be told to ask for the same.

Two edits are the same when they leave the same scene: a reader of the pictures cannot tell "make the object left of the blue cone green" from "make the
red ball green", nor "night has fallen" from "give the picture a night-time tone". Two edits joined by "and then" may be named in either order when neither
speaks of what the other makes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from unicedit.world.apply import Impossible, apply, place_from, resolved
from unicedit.world.grammar import Edit, compound
from unicedit.world.scene import Scene

SLOTS = ("operation", "object", "attribute", "place")

# an operation that asks by its cause for what another asks for plainly
_PLAIN: dict[str, tuple[str, dict[str, str]]] = {
    "nightfall": ("tone", {"tone": "night"}),
    "good_news": ("express", {"expression": "happy"}),
    "bad_news": ("express", {"expression": "sad"}),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One edit by slot. ``object``: what it is done to, ``attribute``: what becomes of it, ``place``: where it goes; each sorted, empty where it has none."""

    operation: str
    object: tuple[str, ...]
    attribute: tuple[str, ...]
    place: tuple[str, ...]

    def names(self) -> set[str] | None:
        """Names of all things it needs or makes; None where that is not known without the scene."""
        if any(value.startswith("the object ") for value in (*self.object, *self.place)):
            return None
        made = {value for value in self.attribute if " " in value} if self.operation == "replace" else set()
        if self.operation in ("recolour", "match"):
            made = {f"{colour} {thing.split()[1]}" for colour in self.attribute for thing in self.object}
        return {*self.object, *made}


def parts_of(edit: Edit, scene: Scene | None) -> tuple[Part, ...]:
    """An edit's parts, relations resolved against the scene as it is when their turn comes; without a scene they stay as they are said."""
    found = []
    for one in edit.parts or (edit,):
        found.append(_part(one, scene))
        if scene is not None and edit.parts:
            try:
                scene = apply(one, scene)
            except Impossible:  # what follows is then read against the scene as it was
                continue
    return tuple(found)


def _part(edit: Edit, scene: Scene | None) -> Part:
    operation, slots = edit.operation, edit.slots
    if operation in _PLAIN:
        operation, more = _PLAIN[operation]
        slots = {**slots, **more}
    things = [slots.pop(slot) for slot in ("thing", "other") if slot in slots]
    if operation == "add":
        things.append(slots.pop("new"))
    places = [slots.pop("place")] if "place" in slots else []
    if "relation" in slots:
        relation, anchor = slots.pop("relation"), slots.pop("anchor")
        if operation.startswith("there_"):
            operation = operation.removeprefix("there_")
            things.append(_thing_there(scene, relation, anchor))
        else:
            places.append(_place_there(scene, relation, anchor))
    return Part(operation, tuple(sorted(things)), tuple(sorted(slots.values())), tuple(places))


def _thing_there(scene: Scene | None, relation: str, anchor: str) -> str:
    try:
        return resolved(scene, relation, anchor).name if scene else f"the object {relation} {anchor}"
    except Impossible:
        return f"the object {relation} {anchor}"


def _place_there(scene: Scene | None, relation: str, anchor: str) -> str:
    there = scene.thing(anchor) if scene else None
    try:
        return place_from(there.place, relation) if there else f"the object {relation} {anchor}"
    except Impossible:
        return f"the object {relation} {anchor}"


def independent(parts: Sequence[Part]) -> bool:
    """Whether two parts may be named in either order: neither needs or makes what the other needs or makes."""
    names = [part.names() for part in parts]
    return len(parts) == 2 and names[0] is not None and names[1] is not None and not names[0] & names[1]


def same(said: Edit, true: Edit, scene: Scene | None) -> bool:
    """Whether ``said`` asks for what ``true`` does. With the source's scene: both leave the same scene. Without: both have the same parts.

    Raises ``Impossible`` where the scene does not allow ``true``.
    """
    if scene is None:
        ours, truth = parts_of(said, None), parts_of(true, None)
        return ours == truth or (independent(ours) and ours[::-1] == truth)
    wanted = _arranged(apply(true, scene))
    return any(_leaves(order, scene, wanted) for order in _orders(said, scene))


def _orders(edit: Edit, scene: Scene) -> Iterator[Edit]:
    yield edit
    if edit.parts and independent(parts_of(edit, scene)):
        yield compound(edit.parts[1], edit.parts[0])


def _leaves(edit: Edit, scene: Scene, wanted: Scene) -> bool:
    try:
        return _arranged(apply(edit, scene)) == wanted
    except Impossible:
        return False


def _arranged(scene: Scene) -> Scene:
    """The scene with its things in one order, which tells nothing about the picture."""
    return replace(scene, things=tuple(sorted(scene.things, key=lambda thing: thing.place)))


def slots_right(said: Edit | None, true: Edit, scene: Scene | None) -> dict[str, bool | None]:
    """Which slots of ``true`` are rightly said, for an edit that is not the same; None for a slot that ``true`` has no value in.

    The parts of two joined edits are laid beside each other as fits best; a part that is lacking has no slot right, one too many makes the operation wrong.
    ``said`` is None where no edit could be read.
    """
    truth = parts_of(true, scene)
    ours = parts_of(said, scene) if said is not None else ()
    found = [_compared(order, truth, len(ours)) for order in _alignments(ours, truth)]
    return max(found, key=lambda right: sum(value is True for value in right.values()))


def _alignments(ours: tuple[Part, ...], truth: tuple[Part, ...]) -> list[tuple[Part | None, ...]]:
    if len(ours) == len(truth):
        return [ours, ours[::-1]] if independent(ours) else [ours]
    if not ours:
        return [(None,) * len(truth)]
    if len(ours) < len(truth):
        return [(ours[0], None), (None, ours[0])]
    return [(part,) for part in ours]


def _compared(ours: Sequence[Part | None], truth: Sequence[Part], said: int) -> dict[str, bool | None]:
    right: dict[str, bool | None] = {
        "operation": said == len(truth) and all(a and a.operation == b.operation for a, b in zip(ours, truth, strict=True))
    }
    for slot in SLOTS[1:]:
        asked = [(getattr(a, slot) if a else None, getattr(b, slot)) for a, b in zip(ours, truth, strict=True) if getattr(b, slot)]
        right[slot] = all(a == b for a, b in asked) if asked else None
    return right
