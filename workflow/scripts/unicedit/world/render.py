"""Draws a scene: the photograph, the things with their shadows, the look."""

from dataclasses import replace

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from unicedit.world.look import ZOOM_IN, ZOOM_OUT, out_of_focus, with_look, zoomed
from unicedit.world.photos import photograph
from unicedit.world.scene import Backdrop, Scene, Thing
from unicedit.world.sprites import sprite

WHITE = (255, 255, 255)
NEAR, FAR = 0.29, 0.71  # centres: with the sizes below, a crop of 10% on either side cuts nothing
SIDE = {"small": 0.18, "normal": 0.28, "large": 0.38}  # of the picture's shorter side
JUMP = 0.15
# Where several of a thing stand, and how large each is, in shares of one alone.
_GROUPS = {
    1: ((0.0, 0.0, 1.0),),
    2: ((-0.3, 0.0, 0.58), (0.3, 0.0, 0.58)),
    3: ((0.0, -0.27, 0.54), (-0.29, 0.25, 0.54), (0.29, 0.25, 0.54)),
}


def render(scene: Scene, photo: Image.Image | None = None) -> Image.Image:
    """The scene as an RGB picture of its own size. ``photo`` is the user's photograph of an objectless scene, of the scene's size."""
    ground = _ground(scene, photo)
    if scene.look.blurred:
        ground = out_of_focus(ground, keep_middle=scene.backdrop is None)
    if scene.look.zoom != "none":
        ground = zoomed(ground, scene.look.zoom)
    for thing in scene.things:
        _place(ground, thing, scene)
    shown = with_look(ground, scene.look)
    return shown.filter(ImageFilter.GaussianBlur(min(shown.size) / 45)) if scene.defect == "blurred" else shown


def _ground(scene: Scene, photo: Image.Image | None) -> Image.Image:
    if scene.white:
        return Image.new("RGB", (scene.width, scene.height), WHITE)
    if scene.backdrop is not None:
        return backdrop(scene.backdrop, scene.width, scene.height)
    if photo is None:
        raise ValueError("a scene without a backdrop is drawn on a photograph: none was given")
    return photo.copy()


def backdrop(part: Backdrop, width: int, height: int) -> Image.Image:
    """The part of the photograph, centre-cropped to the aspect ratio, at ``width`` x ``height`` pixels."""
    whole = photograph(part.photo)
    left, top, right, bottom = (share * side for share, side in zip(part.box, whole.size * 2, strict=True))
    scale = min((right - left) / width, (bottom - top) / height)
    across, down = (right - left - width * scale) / 2, (bottom - top - height * scale) / 2
    box = (left + across, top + down, right - across, bottom - down)
    shown = whole.resize((width, height), Image.Resampling.LANCZOS, box=box)
    return ImageOps.mirror(shown) if part.mirrored else shown


def _place(ground: Image.Image, thing: Thing, scene: Scene) -> None:
    width, height = scene.width, scene.height
    unit = min(width, height)
    row, column = thing.place.split()
    x = width * (NEAR if column == "left" else FAR) + thing.nudge[0] * unit
    y = height * (NEAR if row == "top" else FAR) + thing.nudge[1] * unit
    scale = {"in": 1 / ZOOM_IN, "out": ZOOM_OUT}.get(scene.look.zoom, 1.0)
    x, y = width / 2 + (x - width / 2) * scale, height / 2 + (y - height / 2) * scale
    side = SIDE[thing.size] * unit * scale
    lift = JUMP * unit * scale if thing.pose == "jump" else 0.0
    one = replace(thing, place="", size="normal", count=1, nudge=(0.0, 0.0))
    for across, down, share in _GROUPS[thing.count]:
        middle_x, middle_y, size = x + across * side, y + down * side, max(4, round(side * share))
        if not scene.white:
            _shadow(ground, middle_x, middle_y + size * 0.47, size, thing.material == "glass")
        tile = sprite(one, size)
        ground.paste(tile, (round(middle_x - size / 2), round(middle_y - lift - size / 2)), tile)


def _shadow(ground: Image.Image, x: float, y: float, side: int, faint: bool) -> None:
    width, height = round(side * 1.1), max(4, round(side * 0.26))
    soft = Image.new("L", (width, height))
    ImageDraw.Draw(soft).ellipse((width * 0.12, height * 0.15, width * 0.88, height * 0.85), fill=70 if faint else 130)
    soft = soft.filter(ImageFilter.BoxBlur(max(1, height / 6)))
    ground.paste((0, 0, 0), (round(x - width / 2), round(y - height / 2)), soft)
