"""Says in plain English what a scene shows, and in what two scenes differ."""

from dataclasses import replace

from unicedit.world.photos import PHOTOS
from unicedit.world.scene import PLACES, Look, Scene, Thing
from unicedit.world.words import EN, GRAIN_EN, NUMBER_EN, STYLE_EN, TONE_EN, VIEW_EN, article, indefinite, thing_text

POSES_EN = {
    "left": "leaning to the left",
    "right": "leaning to the right",
    "jump": "up in the air",
    "inverted": "upside down",
    "flat": "without air",
}
SPOILT = {"blur": "blurred", "blocks": "broken into blocks", "noise": "covered with noise", "bands": "reduced to a few harsh colours"}
MATERIALS_OF = {"metal": "of metal", "wood": "of wood", "glass": "of glass"}


def _traits(thing: Thing) -> list[str]:
    said = [MATERIALS_OF[thing.material]] if thing.material != "plain" else []
    said += [f"with {article(thing.texture)} pattern"] if thing.texture != "none" else []
    said += [f"which is {thing.size}"] if thing.size != "normal" else []
    said += [POSES_EN[thing.pose]] if thing.pose != "upright" else []
    said += [f"looking {thing.expression}"] if thing.kind == "person" else []
    said += ["wearing a black hat"] if thing.hat else []
    said += [f'reading "{thing.word}"'] if thing.word else []
    return said


def described(thing: Thing) -> str:
    """A thing with all its traits, number and place: ``a red ball of metal in the top left``."""
    number = f" ({NUMBER_EN[str(thing.count)]} of them)" if thing.count > 1 else ""
    return " ".join([indefinite(thing.name) + number, *_traits(thing), f"in the {thing.place}"])


def _look(look: Look) -> list[str]:
    said = [f"in the style of {STYLE_EN[look.style]}"] if look.style != "photo" else []
    said += [f"in {article(TONE_EN[look.tone])} tone"] if look.tone != "natural" else []
    said += [f"seen {VIEW_EN[look.view]}"] if look.view != "front" else []
    said += [{"in": "seen from close by", "out": "seen from farther away"}[look.zoom]] if look.zoom != "none" else []
    said += ["with a blurred background"] if look.blurred else []
    said += [f"with the texture of {GRAIN_EN[look.grain]}"] if look.grain != "none" else []
    said += [f"with {article(look.tint)} colour cast"] if look.tint != "none" else []
    said += [f'with the caption "{look.caption}"'] if look.caption else []
    return said


def caption(scene: Scene) -> str:
    """One sentence on what the scene shows."""
    if scene.white:
        ground = "A plain white picture"
    else:
        ground = "A photograph" + (f" of {PHOTOS[scene.backdrop.photo].en}" if scene.backdrop else "")
    look = "".join(f", {part}" for part in _look(scene.look))
    things = [described(thing) for thing in scene.things]
    return ground + look + (", showing " + ", ".join(things) if things else "") + "."


def differences(before: Scene, after: Scene) -> list[str]:
    """Each visible difference as a short sentence; empty for equal scenes."""
    found = []
    if after.white and not before.white:
        found.append("The background is now plain white.")
    elif before.backdrop and after.backdrop and before.backdrop.photo != after.backdrop.photo:
        found.append(f"The background now shows {PHOTOS[after.backdrop.photo].en}.")
    found += [f"The picture is now {part}." for part in _look(after.look) if part not in _look(before.look)]
    gone = [thing for thing in before.things if thing not in after.things]
    come = [thing for thing in after.things if thing not in before.things]
    for new in come:
        namesake = [thing for thing in gone if thing.name == new.name]
        old = next(iter(namesake or [thing for thing in gone if thing.place == new.place]), None)
        if old is None:
            found.append(f"There is now {described(new)}.")
            continue
        gone.remove(old)
        found.append(f"{thing_text(old.name, EN).capitalize()} in the {old.place} is now {described(new)}.")
    return found + [f"{thing_text(thing.name, EN).capitalize()} in the {thing.place} is gone." for thing in gone]


def faults(smeared: bool, spoil: str) -> list[str]:
    """What is visibly wrong with an edited picture, a sentence each: a smeared patch, a spoiling of the whole (empty: none)."""
    found = ["A patch of the picture is smeared."] if smeared else []
    return found + ([f"The whole picture is {SPOILT[spoil]}."] if spoil else [])


def ordered(scene: Scene) -> Scene:
    """The scene with its things in reading order, so that its description does not depend on the order in which they were drawn."""
    return replace(scene, things=tuple(sorted(scene.things, key=lambda thing: PLACES.index(thing.place))))
