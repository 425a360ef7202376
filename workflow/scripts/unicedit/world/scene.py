"""What a picture of the simulated world shows: a background photograph, a few drawn things, and a look. Version 1, fixed.

Names are ``world:1/<five digits>``; the same name means the same scene for ever. Another drawing of lots or of pictures would be
version 2.
"""

import re
from dataclasses import dataclass, replace

from unicedit.world.chance import chance
from unicedit.world.photos import PHOTOS

VERSION = 1
MAX_NUMBER = 99_999
BLOCK = 40  # of each forty pictures, five are deliberately imperfect (library.py)

KINDS = ("ball", "cube", "star", "heart", "cone", "ring", "person", "sign")
SHAPES = KINDS[:6]
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple")
PLACES = ("top left", "top right", "bottom left", "bottom right")
MATERIALS = ("plain", "metal", "wood", "glass")
TEXTURES = ("none", "striped", "dotted", "checkered")
SIZES = ("small", "normal", "large")
POSES = ("upright", "left", "right", "jump", "inverted", "flat")
EXPRESSIONS = ("neutral", "happy", "sad", "surprised")
WORDS = ("STOP", "OPEN", "EXIT", "CAFE", "SALE", "TAXI", "ZOO", "HELLO")

# Colour and kind never seen together in training, so that a model can be asked what it did not memorise.
HELD_OUT = frozenset({("red", "cube"), ("yellow", "heart"), ("green", "star"), ("blue", "cone"), ("purple", "ball"), ("orange", "ring")})

_NAME = re.compile(r"world:1/(\d{5})")
_ASPECTS = ((1, 1), (4, 3), (3, 4), (3, 2), (2, 3), (16, 9), (9, 16), (5, 4), (4, 5))


@dataclass(frozen=True, slots=True)
class Thing:
    """One drawn object. ``nudge`` moves its centre by shares of the picture's shorter side."""

    kind: str
    colour: str
    place: str
    material: str = "plain"
    texture: str = "none"
    size: str = "normal"
    pose: str = "upright"
    count: int = 1
    expression: str = "neutral"  # persons
    hat: bool = False  # persons
    word: str = ""  # signs
    nudge: tuple[float, float] = (0.0, 0.0)

    @property
    def name(self) -> str:
        """What tells it from the others in its scene: ``red ball``."""
        return f"{self.colour} {self.kind}"


@dataclass(frozen=True, slots=True)
class Look:
    """What concerns the whole picture."""

    style: str = "photo"
    tone: str = "natural"
    view: str = "front"
    zoom: str = "none"
    blurred: bool = False  # the background
    grain: str = "none"
    tint: str = "none"
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Backdrop:
    """A part of a photograph: ``box`` is left, top, right, bottom in shares of its sides."""

    photo: str
    box: tuple[float, float, float, float]
    mirrored: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture ``width`` x ``height`` pixels. Without a backdrop it is a user's photograph, of which nothing is known."""

    width: int
    height: int
    backdrop: Backdrop | None
    things: tuple[Thing, ...] = ()
    look: Look = Look()
    white: bool = False  # plain white in place of the backdrop
    defect: str = ""  # "", near, blurred, narrow, truncated (see library.py)

    def thing(self, name: str) -> Thing | None:
        """The thing of that name (``red ball``), if it is there."""
        return next((thing for thing in self.things if thing.name == name), None)

    def at(self, place: str) -> Thing | None:
        """The thing at that place, if there is one."""
        return next((thing for thing in self.things if thing.place == place), None)


def number_of(name: str) -> int:
    """The number in a world name; ``ValueError`` for any other name."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is no picture of the simulated world: names are world:1/00000 to world:1/{MAX_NUMBER}")
    return int(match.group(1))


def held_out(scene: Scene) -> bool:
    """Whether the scene holds a composition that training must leave out."""
    return any((thing.colour, thing.kind) in HELD_OUT for thing in scene.things)


def defect_of(number: int) -> str:
    """What is wrong with this picture by design: one each of five kinds in every forty."""
    return {13: "duplicate", 19: "near", 25: "blurred", 31: "narrow", 37: "truncated"}.get(number % BLOCK, "")


def scene_of(name: str) -> Scene:
    """The scene of a world name, always the same. ``ValueError`` for other names."""
    number = number_of(name)
    defect = defect_of(number)
    if defect in ("duplicate", "near"):
        original = _draw(number - number % BLOCK + number % 10, "")
        if defect == "duplicate":
            return original
        return replace(mirrored(original) if number // BLOCK % 2 else original, defect="near")
    return _draw(number, defect)


def mirrored(scene: Scene) -> Scene:
    """The scene's mirror image, its places renamed."""
    backdrop = scene.backdrop and replace(scene.backdrop, mirrored=not scene.backdrop.mirrored)
    things = tuple(replace(thing, place=_other_side(thing.place), nudge=(-thing.nudge[0], thing.nudge[1])) for thing in scene.things)
    return replace(scene, backdrop=backdrop, things=things)


def _other_side(place: str) -> str:
    row, side = place.split()
    return f"{row} {'right' if side == 'left' else 'left'}"


def _draw(number: int, defect: str) -> Scene:
    lot = chance("scene", VERSION, number)
    short = lot.randrange(256, 401, 8)
    wide, high = (31, 9) if defect == "narrow" else lot.choice(_ASPECTS)
    if defect == "narrow" and number // BLOCK % 2:
        wide, high = high, wide
    width, height = round(short * wide / min(wide, high)), round(short * high / min(wide, high))
    names = list(PHOTOS)
    photo = names[(number + number // len(names)) % len(names)]
    backdrop = Backdrop(photo, _box(lot.random(), lot.random(), lot.random()), lot.random() < 0.5)
    return Scene(width, height, backdrop, _things(number), defect=defect)


def _box(share: float, across: float, down: float) -> tuple[float, float, float, float]:
    side = 0.5 + 0.42 * share
    left, top = across * (1 - side), down * (1 - side)
    return (round(left, 4), round(top, 4), round(left + side, 4), round(top + side, 4))


def _things(number: int) -> tuple[Thing, ...]:
    lot = chance("things", VERSION, number)
    count = 2 if lot.random() < 0.4 else 3
    kinds = [kind for kind in ("person", "sign") if lot.random() < 0.5]
    while len(kinds) < count:
        kinds.append(lot.choice(SHAPES))
    places = lot.sample(PLACES, count)
    things: list[Thing] = []
    for kind, place in zip(kinds, places, strict=True):
        taken = {thing.colour for thing in things if thing.kind == kind}
        things.append(_thing(number, kind, lot.choice([colour for colour in COLOURS if colour not in taken]), place))
    return tuple(things)


def _thing(number: int, kind: str, colour: str, place: str) -> Thing:
    lot = chance("thing", VERSION, number, kind, colour, place)
    adorned = lot.random()
    return Thing(
        kind,
        colour,
        place,
        material=lot.choice(MATERIALS[1:]) if adorned < 0.15 and kind != "person" else "plain",
        texture=lot.choice(TEXTURES[1:]) if 0.15 <= adorned < 0.35 and kind != "sign" else "none",
        # Faces and letters must stay readable.
        size=lot.choices(SIZES, (15, 70, 15) if kind in SHAPES else (0, 75, 25))[0],
        expression=lot.choice(EXPRESSIONS[:3]) if kind == "person" else "neutral",
        hat=kind == "person" and lot.random() < 0.25,
        word=lot.choice(WORDS) if kind == "sign" else "",
        nudge=(round(lot.uniform(-0.02, 0.02), 4), round(lot.uniform(-0.02, 0.02), 4)),
    )
