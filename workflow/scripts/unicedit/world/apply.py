"""What an edit does to a scene."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from unicedit.world.grammar import Edit
from unicedit.world.scene import PLACES, SHAPES, Backdrop, Look, Scene, Thing

Slots = dict[str, str]


class Impossible(ValueError):
    """The edit cannot be done in this scene, or would change nothing. The message says what is missing."""


def apply(edit: Edit, scene: Scene) -> Scene:
    """The scene after the edit. ``Impossible`` where the scene lacks what the edit needs, or the edit would change nothing."""
    if edit.parts:
        for part in edit.parts:
            scene = apply(part, scene)
        return scene
    after = _DO[edit.operation](scene, edit.slots)
    if after == scene:
        raise Impossible("it is so already")
    names = [thing.name for thing in after.things]
    if len(set(names)) < len(names):
        raise Impossible("two things would look alike")
    return after


def place_from(place: str, relation: str) -> str:
    """The place that stands in ``relation`` to ``place``; ``Impossible`` where there is none (nothing is above the top row)."""
    row, side = place.split()
    found = {
        "above": ("top", side, row == "bottom"),
        "below": ("bottom", side, row == "top"),
        "left": (row, "left", side == "right"),
        "right": (row, "right", side == "left"),
        "opposite": ("bottom" if row == "top" else "top", "right" if side == "left" else "left", True),
    }[relation]
    if not found[2]:
        raise Impossible("there is no such place in the picture")
    return f"{found[0]} {found[1]}"


def _named(scene: Scene, name: str) -> Thing:
    thing = scene.thing(name)
    if thing is None:
        raise Impossible(f"a {name}")
    return thing


def _with(scene: Scene, old: Thing, new: Thing | None) -> Scene:
    """The scene with ``new`` in the place of ``old``; without it where ``new`` is None."""
    changed = (new if thing is old else thing for thing in scene.things)
    return replace(scene, things=tuple(thing for thing in changed if thing is not None))


def _need(condition: bool, what: str) -> None:
    if not condition:
        raise Impossible(what)


def _fresh(name: str, place: str) -> Thing:
    colour, kind = name.split()
    return Thing(kind, colour, place, word="HELLO" if kind == "sign" else "")


def _add(scene: Scene, slots: Slots) -> Scene:
    _need(not scene.white and scene.at(slots["place"]) is None, "a free place")
    return replace(scene, things=(*scene.things, _fresh(slots["new"], slots["place"])))


def _remove(scene: Scene, slots: Slots) -> Scene:
    return _with(scene, _named(scene, slots["thing"]), None)


def _replace(scene: Scene, slots: Slots) -> Scene:
    old = _named(scene, slots["thing"])
    _need(slots["new"].split()[1] != old.kind, "another kind of thing to put there")
    return _with(scene, old, replace(_fresh(slots["new"], old.place), nudge=old.nudge))


def _extract(scene: Scene, slots: Slots) -> Scene:
    return replace(scene, things=(_named(scene, slots["thing"]),), white=True)


def _changed(scene: Scene, name: str, needs: Callable[[Thing], bool], what: str, **values: Any) -> Scene:
    thing = _named(scene, name)
    _need(needs(thing), what)
    return _with(scene, thing, replace(thing, **values))


def _is_person(thing: Thing) -> bool:
    return thing.kind == "person"


def _any(_: Thing) -> bool:
    return True


def _express(expression: str | None) -> Callable[[Scene, Slots], Scene]:
    def do(scene: Scene, slots: Slots) -> Scene:
        return _changed(scene, slots["thing"], _is_person, "a person", expression=expression or slots["expression"])

    return do


def _hat(on: bool) -> Callable[[Scene, Slots], Scene]:
    return lambda scene, slots: _changed(scene, slots["thing"], _is_person, "a person", hat=on)


def _count(scene: Scene, slots: Slots) -> Scene:
    number = int(slots["number"])
    return _changed(scene, slots["thing"], lambda t: t.kind in SHAPES and t.size != "small", "a thing that can be counted", count=number)


def _write(scene: Scene, slots: Slots) -> Scene:
    return _changed(scene, slots["thing"], lambda t: t.kind == "sign", "a sign", word=slots["word"])


def _recolour(scene: Scene, slots: Slots) -> Scene:
    return _changed(scene, slots["thing"], _any, "a thing", colour=slots["colour"])


def _material(scene: Scene, slots: Slots) -> Scene:
    return _changed(scene, slots["thing"], lambda t: not _is_person(t), "a thing that is no person", material=slots["material"])


def _texture(scene: Scene, slots: Slots) -> Scene:
    needs = "a thing without letters, of no special material"
    return _changed(scene, slots["thing"], lambda t: t.kind != "sign" and t.material == "plain", needs, texture=slots["texture"])


def _resize(scene: Scene, slots: Slots) -> Scene:
    return _changed(scene, slots["thing"], _any, "a thing", size=slots["size"])


def _move(scene: Scene, slots: Slots) -> Scene:
    thing, motion = _named(scene, slots["thing"]), slots["motion"]
    if motion == "jump":
        _need(thing.place.startswith("bottom"), "a thing on the ground with room above it")
    else:
        _need(thing.kind not in ("ball", "ring"), "a thing that is not round")
        _need(motion != "inverted" or thing.kind != "cube", "a thing with a top and a bottom")
    return _with(scene, thing, replace(thing, pose=motion))


def _backdrop(scene: Scene, slots: Slots) -> Scene:
    backdrop = scene.backdrop
    _need(backdrop is not None and not scene.white and backdrop.photo != slots["photo"], "another background")
    return replace(scene, backdrop=Backdrop(slots["photo"], (0.04, 0.04, 0.96, 0.96)))


def _look(**values: Any) -> Callable[[Scene, Slots], Scene]:
    """Sets fields of the look, or takes them from the slot of that name where the value is None."""

    def do(scene: Scene, slots: Slots) -> Scene:
        # A second tone over the first would leave neither to be seen: each part of the look changes once.
        chosen: dict[str, Any] = {name: slots[_SLOT_OF.get(name, name)] if value is None else value for name, value in values.items()}
        before = {name: getattr(Look(), name) for name in chosen}
        _need(all(getattr(scene.look, name) == before[name] for name in chosen), "a picture that was not changed so before")
        _need(not scene.white or "blurred" not in chosen, "a background")
        return replace(scene, look=replace(scene.look, **chosen))

    return do


_SLOT_OF = {"tint": "colour", "caption": "word"}


def _relate(scene: Scene, slots: Slots) -> Scene:
    thing, anchor = _named(scene, slots["thing"]), _named(scene, slots["anchor"])
    _need(thing is not anchor, "another thing")
    place = place_from(anchor.place, slots["relation"])
    _need(scene.at(place) is None, "a free place there")
    return _with(scene, thing, replace(thing, place=place))


def _both(scene: Scene, slots: Slots) -> tuple[Thing, Thing]:
    first, second = _named(scene, slots["thing"]), _named(scene, slots["other"])
    _need(first is not second, "another thing")
    return first, second


def _swap(scene: Scene, slots: Slots) -> Scene:
    first, second = _both(scene, slots)
    moved = {first.place: replace(first, place=second.place), second.place: replace(second, place=first.place)}
    return replace(scene, things=tuple(moved.get(thing.place, thing) for thing in scene.things))


def _match(scene: Scene, slots: Slots) -> Scene:
    first, second = _both(scene, slots)
    _need(slots["colour"] not in (first.colour, second.colour), "a colour that neither has")
    return _with(_with(scene, first, replace(first, colour=slots["colour"])), second, replace(second, colour=slots["colour"]))


def _resize_both(scene: Scene, slots: Slots) -> Scene:
    first, second = _both(scene, slots)
    _need(slots["size"] not in (first.size, second.size), "a size that neither has")
    return _with(_with(scene, first, replace(first, size=slots["size"])), second, replace(second, size=slots["size"]))


def resolved(scene: Scene, relation: str, anchor: str) -> Thing:
    """The thing that stands in ``relation`` to the thing named ``anchor``."""
    thing = scene.at(place_from(_named(scene, anchor).place, relation))
    if thing is None:
        raise Impossible("a thing there")
    return thing


def _there(do: Callable[[Scene, Slots], Scene]) -> Callable[[Scene, Slots], Scene]:
    return lambda scene, slots: do(scene, {**slots, "thing": resolved(scene, slots["relation"], slots["anchor"]).name})


def _deflate(scene: Scene, slots: Slots) -> Scene:
    needs = "a ball full of air"
    return _changed(scene, slots["thing"], lambda t: t.kind == "ball" and t.material == "plain", needs, pose="flat")


def _fall(scene: Scene, slots: Slots) -> Scene:
    thing = _named(scene, slots["thing"])
    _need(thing.place in PLACES[:2], "a thing high up")
    place = place_from(thing.place, "below")
    _need(scene.at(place) is None, "free ground below")
    pose = thing.pose if thing.kind in ("ball", "ring") else "right"
    return _with(scene, thing, replace(thing, place=place, pose=pose))


_DO: dict[str, Callable[[Scene, Slots], Scene]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "extract": _extract,
    "express": _express(None),
    "hat_on": _hat(True),
    "hat_off": _hat(False),
    "count": _count,
    "write": _write,
    "caption": _look(caption=None),
    "recolour": _recolour,
    "tint": _look(tint=None),
    "material": _material,
    "texture": _texture,
    "grain": _look(grain=None),
    "resize": _resize,
    "move": _move,
    "backdrop": _backdrop,
    "blur": _look(blurred=True),
    "style": _look(style=None),
    "tone": _look(tone=None),
    "view": _look(view=None),
    "zoom_in": _look(zoom="in"),
    "zoom_out": _look(zoom="out"),
    "relate": _relate,
    "swap": _swap,
    "match": _match,
    "resize_both": _resize_both,
    "there_recolour": _there(_recolour),
    "there_remove": _there(_remove),
    "there_resize": _there(_resize),
    "nightfall": _look(tone="night"),
    "aged": _look(tone="sepia", grain="film"),
    "deflate": _deflate,
    "fall": _fall,
    "good_news": _express("happy"),
    "bad_news": _express("sad"),
}
