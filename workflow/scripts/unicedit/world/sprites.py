"""Draws one thing: an anti-aliased square tile with transparency."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from unicedit.world.scene import Thing

RGB: dict[str, tuple[int, int, int]] = {
    "red": (216, 30, 40),
    "orange": (250, 132, 10),
    "yellow": (250, 222, 40),
    "green": (40, 160, 60),
    "blue": (36, 92, 220),
    "purple": (140, 50, 170),
}
SKIN = (240, 200, 165)
HAIR = (70, 45, 30)
INK = (25, 25, 30)
HAT = (40, 40, 48)
LEAN = 28.0  # degrees

Floats = NDArray[np.float32]
Point = tuple[float, float]


class Canvas:
    """A supersampled square of side ``side`` pixels; coordinates run from -1 to 1, x to the right, y down."""

    def __init__(self, side: int) -> None:
        self.side = side
        self.body = Image.new("L", (side, side))  # where the thing's own colour, material and texture go
        self.paint = Image.new("RGBA", (side, side))  # what is drawn over it: ink, skin, letters
        self._body = ImageDraw.Draw(self.body)
        self._paint = ImageDraw.Draw(self.paint)

    def _at(self, points: Sequence[Point]) -> list[Point]:
        half = self.side / 2
        return [(half + x * half, half + y * half) for x, y in points]

    def polygon(self, points: Sequence[Point], outline: bool = True) -> None:
        """Add a polygon to the body."""
        self._body.polygon(self._at(points), fill=255)
        if outline:
            self.line([*points, points[0]])

    def disc(self, centre: Point, radii: Point, value: int = 255) -> None:
        """Add an ellipse to the body, or cut one out with ``value`` 0."""
        box = self._box(centre, radii)
        self._body.ellipse(box, fill=value)
        self._paint.ellipse(box, outline=(*INK, 255), width=self.pen)

    def line(self, points: Sequence[Point], colour: tuple[int, int, int] = INK, width: float = 1.0) -> None:
        """Draw a line over the body."""
        self._paint.line(self._at(points), fill=(*colour, 255), width=max(1, round(self.pen * width)), joint="curve")

    def spot(self, centre: Point, radii: Point, colour: tuple[int, int, int], outline: bool = False) -> None:
        """Draw an ellipse over the body."""
        self._paint.ellipse(self._box(centre, radii), fill=(*colour, 255), outline=(*INK, 255) if outline else None, width=self.pen)

    def shape(self, points: Sequence[Point], colour: tuple[int, int, int]) -> None:
        """Draw a filled polygon over the body."""
        self._paint.polygon(self._at(points), fill=(*colour, 255))

    def arc(self, centre: Point, radii: Point, start: float, end: float, width: float = 1.5) -> None:
        """Draw a part of an ellipse, degrees clockwise from three o'clock."""
        self._paint.arc(self._box(centre, radii), start, end, fill=(*INK, 255), width=max(1, round(self.pen * width)))

    def letters(self, word: str, centre: Point, room: Point) -> None:
        """Write ``word`` in white with a dark edge, as large as fits into ``room``."""
        font = ImageFont.load_default(100)
        left, top, right, bottom = font.getbbox(word, stroke_width=4)
        scale = min(room[0] * self.side / 2 / (right - left), room[1] * self.side / 2 / (bottom - top))
        fitted = ImageFont.load_default(max(4, 100 * scale))
        (middle,) = self._at([centre])
        stroke = max(1, round(4 * scale))
        self._paint.text(middle, word, font=fitted, fill=(255, 255, 255, 255), anchor="mm", stroke_width=stroke, stroke_fill=(*INK, 255))

    @property
    def pen(self) -> int:
        """Width of a line, pixels."""
        return max(2, self.side // 55)

    def _box(self, centre: Point, radii: Point) -> tuple[float, float, float, float]:
        (x0, y0), (x1, y1) = self._at([(centre[0] - radii[0], centre[1] - radii[1]), (centre[0] + radii[0], centre[1] + radii[1])])
        return (x0, y0, x1, y1)


def _grid(side: int) -> tuple[Floats, Floats]:
    axis = np.linspace(-1, 1, side, dtype=np.float32)
    return np.meshgrid(axis, axis)


def _even(side: int) -> Floats:
    return np.ones((side, side), np.float32)


def _round(side: int) -> Floats:
    x, y = _grid(side)
    shade: Floats = 1.25 - 0.5 * np.hypot(x + 0.35, y + 0.4)
    return shade


def _ball(canvas: Canvas, thing: Thing) -> Floats:
    if thing.pose == "flat":
        canvas.disc((0, 0.7), (0.95, 0.22))
        canvas.line([(-0.5, 0.68), (-0.1, 0.74), (0.2, 0.66), (0.55, 0.73)])
        return _even(canvas.side)
    canvas.disc((0, 0), (0.9, 0.9))
    return _round(canvas.side)


def _cube(canvas: Canvas, thing: Thing) -> Floats:
    side, rise = 0.8, 0.45
    canvas.polygon([(0, -0.95), (side, -0.95 + rise), (side, 0.95 - rise), (0, 0.95), (-side, 0.95 - rise), (-side, -0.95 + rise)])
    for end in ((-side, -0.95 + rise), (side, -0.95 + rise), (0, 0.95)):
        canvas.line([(0, -0.05), end])
    x, y = _grid(canvas.side)
    top = y < -0.05 - np.abs(x) * rise / side
    return np.where(top, 1.2, np.where(x < 0, 0.92, 0.62)).astype(np.float32)


def _star(canvas: Canvas, thing: Thing) -> Floats:
    reach = [0.95 if corner % 2 == 0 else 0.42 for corner in range(10)]
    canvas.polygon([(r * math.sin(math.pi * i / 5), -r * math.cos(math.pi * i / 5) + 0.05) for i, r in enumerate(reach)])
    return _even(canvas.side)


def _heart(canvas: Canvas, thing: Thing) -> Floats:
    turn = [2 * math.pi * i / 60 for i in range(60)]
    curve = [
        (0.9 * math.sin(t) ** 3, -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 17 * 0.92 - 0.05)
        for t in turn
    ]
    canvas.polygon(curve)
    return _round(canvas.side)


def _cone(canvas: Canvas, thing: Thing) -> Floats:
    base = [(0.75 * math.cos(a), 0.7 + 0.22 * math.sin(a)) for a in np.linspace(0, math.pi, 24)]
    canvas.polygon([(0, -0.95), *base])
    x, _ = _grid(canvas.side)
    return (1.15 - 0.55 * (x + 0.75) / 1.5).astype(np.float32)


def _ring(canvas: Canvas, thing: Thing) -> Floats:
    canvas.disc((0, 0), (0.92, 0.92))
    canvas.disc((0, 0), (0.46, 0.46), value=0)
    return _round(canvas.side)


def _person(canvas: Canvas, thing: Thing) -> Floats:
    canvas.polygon([(-0.75, 0.95), (-0.68, 0.5), (-0.35, 0.3), (0.35, 0.3), (0.68, 0.5), (0.75, 0.95)])
    canvas.spot((0, -0.3), (0.6, 0.62), HAIR, outline=True)
    canvas.spot((0, -0.2), (0.52, 0.56), SKIN, outline=True)
    for side in (-1, 1):
        wide = thing.expression == "surprised"
        canvas.spot((side * 0.2, -0.28), (0.1, 0.13) if wide else (0.075, 0.09), (255, 255, 255) if wide else INK, outline=wide)
        if wide:
            canvas.spot((side * 0.2, -0.28), (0.045, 0.045), INK)
        if thing.expression == "sad":
            canvas.line([(side * 0.1, -0.48), (side * 0.32, -0.4)])
    if thing.expression == "happy":
        canvas.arc((0, -0.06), (0.28, 0.24), 15, 165, 2.5)
    elif thing.expression == "sad":
        canvas.arc((0, 0.22), (0.22, 0.18), 200, 340, 2.5)
    elif thing.expression == "surprised":
        canvas.spot((0, 0.13), (0.11, 0.14), (120, 20, 30), outline=True)
    else:
        canvas.line([(-0.18, 0.1), (0.18, 0.1)], width=2)
    if thing.hat:
        canvas.shape([(-0.42, -0.55), (-0.36, -0.98), (0.36, -0.98), (0.42, -0.55)], HAT)
        canvas.shape([(-0.85, -0.5), (-0.85, -0.62), (0.85, -0.62), (0.85, -0.5)], HAT)
        canvas.line([(-0.4, -0.66), (0.4, -0.66)], (235, 235, 235), 2.5)
    return _even(canvas.side)


def _sign(canvas: Canvas, thing: Thing) -> Floats:
    canvas.shape([(-0.07, 0.2), (0.07, 0.2), (0.07, 0.98), (-0.07, 0.98)], (110, 105, 100))
    canvas.polygon([(-0.97, -0.55), (0.97, -0.55), (0.97, 0.3), (-0.97, 0.3)])
    canvas.letters(thing.word, (0, -0.125), (1.7, 0.6))
    return _even(canvas.side)


_DRAW = {"ball": _ball, "cube": _cube, "star": _star, "heart": _heart, "cone": _cone, "ring": _ring, "person": _person, "sign": _sign}


def _textured(colour: Floats, texture: str) -> Floats:
    x, y = _grid(colour.shape[0])
    if texture == "striped":
        marked = np.mod((x + y) * 2.4, 1.0) < 0.45
    elif texture == "dotted":
        marked = np.hypot(np.mod(x * 2.6, 1.0) - 0.5, np.mod(y * 2.6, 1.0) - 0.5) < 0.3
    else:
        marked = (np.floor(x * 2.9) + np.floor(y * 2.9)) % 2 == 0
    return np.where(marked[..., None], colour * 0.12 + 224, colour).astype(np.float32)


def _made_of(colour: Floats, material: str) -> tuple[Floats, Floats | None]:
    """The colours of a material, and its opacity where it is not full."""
    x, y = _grid(colour.shape[0])
    if material == "metal":
        shine = 0.75 + 0.45 * np.sin((x * 0.8 + y) * 7.0) ** 3
        return ((colour * 0.5 + 95) * shine[..., None] + 70 * (np.abs(x * 0.8 + y + 0.45) < 0.09)[..., None]).astype(np.float32), None
    if material == "wood":
        rings = 0.5 + 0.5 * np.sin(26 * (y + 0.12 * np.sin(4 * x) + 0.05 * np.sin(11 * x)))
        brown = np.array([150, 98, 48], np.float32)
        return ((colour * 0.45 + brown * 0.5) * (0.62 + 0.5 * rings[..., None])).astype(np.float32), None
    glint = np.exp(-((x + 0.4) ** 2 + (y + 0.4) ** 2) * 14) + (np.abs(x + y * 0.6 - 0.3) < 0.06)
    clear = (0.42 + 0.25 * np.hypot(x, y) ** 2 + 0.5 * glint).astype(np.float32)
    return (colour * 0.85 + 30 + 200 * glint[..., None]).astype(np.float32), np.clip(clear, 0, 1)


@lru_cache(maxsize=128)
def sprite(thing: Thing, side: int) -> Image.Image:
    """The thing as an RGBA tile of ``side`` x ``side`` pixels, without its count, place and shadow. Shared: do not draw on it."""
    canvas = Canvas(side * (2 if side >= 90 else 3))
    shade = _DRAW[thing.kind](canvas, thing)
    colour = np.array(RGB[thing.colour], np.float32) * shade[..., None]
    opacity: Floats | None = None
    if thing.texture != "none":
        colour = _textured(colour, thing.texture)
    if thing.material != "plain":
        colour, opacity = _made_of(colour, thing.material)
    tile = Image.fromarray(np.clip(colour, 0, 255).astype(np.uint8), "RGB")
    alpha = canvas.body
    if opacity is not None:
        alpha = Image.fromarray((np.asarray(alpha) * opacity).astype(np.uint8), "L")
    tile.putalpha(alpha)
    tile = Image.alpha_composite(tile, canvas.paint)
    angle = {"left": LEAN, "right": -LEAN, "inverted": 180.0}.get(thing.pose, 0.0)
    if angle:
        tile = tile.rotate(angle, Image.Resampling.BILINEAR)
    return tile.resize((side, side), Image.Resampling.BOX)
