"""Changes of a whole picture: style, tone, viewpoint, zoom, background blur, grain, tint, caption. Any size, RGB in and out."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont, ImageOps

from unicedit.world.chance import noise_source
from unicedit.world.scene import Look
from unicedit.world.sprites import RGB

STYLES = ("pencil", "oil", "pixel", "poster")
TONES = ("warm", "cool", "grey", "night", "sepia")
VIEWS = ("left", "right", "mirror")
GRAINS = ("canvas", "film")
ZOOM_IN = 0.68  # share of the side that stays in sight
ZOOM_OUT = 0.64  # share of the side the old picture takes

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
Floats = NDArray[np.float32]


def _array(image: Image.Image) -> Floats:
    return np.asarray(image, np.float32)


def _image(values: NDArray[Any]) -> Image.Image:
    return Image.fromarray(np.clip(values + 0.5, 0, 255).astype(np.uint8))


def styled(image: Image.Image, style: str) -> Image.Image:
    """The picture in another style; strokes and dots scale with its shorter side."""
    short = min(image.size)
    if style == "pencil":
        grey = image.convert("L")
        soft = ImageOps.invert(grey).filter(ImageFilter.GaussianBlur(short / 60))
        light = _array(grey) * 255 / np.maximum(255 - _array(soft), 1)
        return _image(np.clip(light, 0, 255) ** 1.6 / 255**0.6).convert("RGB")
    if style == "oil":
        small = image.resize(_scaled(image, 150 / short), Image.Resampling.LANCZOS).filter(ImageFilter.ModeFilter(7))
        broad = small.resize(image.size, Image.Resampling.BICUBIC).filter(ImageFilter.EDGE_ENHANCE)
        relief = _array(broad.convert("L").filter(ImageFilter.EMBOSS)) - 128
        return _image((_array(broad) - 110) * 1.25 + 118 + 0.5 * relief[..., None])
    if style == "pixel":
        small = image.resize(_scaled(image, 44 / short), Image.Resampling.BOX).quantize(24, dither=Image.Dither.NONE).convert("RGB")
        return small.resize(image.size, Image.Resampling.NEAREST)
    flat = ImageOps.posterize(ImageOps.autocontrast(image.filter(ImageFilter.GaussianBlur(short / 220)), cutoff=1), 2)
    edges = image.convert("L").filter(ImageFilter.GaussianBlur(1)).filter(ImageFilter.FIND_EDGES)
    return _image(_array(flat) * 1.3 * np.clip(1.25 - _array(edges) / 50, 0, 1)[..., None])


def toned(image: Image.Image, tone: str) -> Image.Image:
    """The picture in another light."""
    values = _array(image)
    if tone == "warm":
        return _image(values * np.array([1.15, 0.98, 0.62], np.float32) + np.array([18, 4, 0], np.float32))
    if tone == "cool":
        return _image(values * np.array([0.66, 0.95, 1.15], np.float32) + np.array([0, 4, 22], np.float32))
    grey = (values @ _LUMA)[..., None]
    if tone == "grey":
        return _image(np.repeat(grey, 3, axis=2))
    if tone == "sepia":
        return _image(grey * np.array([1.08, 0.88, 0.62], np.float32) + np.array([14, 6, 0], np.float32))
    return _image((values * 0.6 + grey * 0.4) * np.array([0.26, 0.32, 0.52], np.float32) + np.array([0, 2, 14], np.float32))


def seen_from(image: Image.Image, view: str) -> Image.Image:
    """The picture as if the camera had moved; the near side is larger. ``mirror`` is its mirror image."""
    if view == "mirror":
        return ImageOps.mirror(image)
    width, height = image.size
    near, side = 0.24 * height, 0.04 * width
    left, right = (near, 0.0) if view == "left" else (0.0, near)
    quad = ((side, left), (width - side, right), (width - side, height - right), (side, height - left))
    corners = ((0, 0), (width, 0), (width, height), (0, height))
    return image.transform(image.size, Image.Transform.PERSPECTIVE, _perspective(corners, quad), Image.Resampling.BICUBIC)


def _perspective(to: tuple[tuple[float, float], ...], source: tuple[tuple[float, float], ...]) -> list[float]:
    rows, values = [], []
    for (x, y), (u, v) in zip(to, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return [float(value) for value in np.linalg.solve(np.array(rows, np.float64), np.array(values, np.float64))]


def zoomed(image: Image.Image, zoom: str) -> Image.Image:
    """Nearer (the middle, enlarged) or farther (smaller, the surroundings continued by reflection)."""
    width, height = image.size
    if zoom == "in":
        edge = (1 - ZOOM_IN) / 2
        return image.resize(
            image.size, Image.Resampling.LANCZOS, box=(width * edge, height * edge, width * (1 - edge), height * (1 - edge))
        )
    small = image.resize(_scaled(image, ZOOM_OUT), Image.Resampling.LANCZOS)
    across, down = width - small.width, height - small.height
    pad = ((down // 2, down - down // 2), (across // 2, across - across // 2), (0, 0))
    return Image.fromarray(np.pad(np.asarray(small), pad, mode="reflect"))


def out_of_focus(image: Image.Image, keep_middle: bool) -> Image.Image:
    """Blurred; ``keep_middle`` leaves a soft-edged ellipse in the middle sharp, where the subject of a photograph mostly is."""
    short = min(image.size)
    soft = image.filter(ImageFilter.GaussianBlur(short / 36))
    if not keep_middle:
        return soft
    x, y = np.linspace(-1, 1, image.width, dtype=np.float32), np.linspace(-1, 1, image.height, dtype=np.float32)
    far = np.clip((np.hypot(x[None, :] / 0.55, y[:, None] / 0.7) - 0.85) * 4, 0, 1)
    return Image.composite(soft, image, Image.fromarray((far * 255).astype(np.uint8)))


def grained(image: Image.Image, grain: str) -> Image.Image:
    """With the surface of canvas or of a grainy film."""
    width, height = image.size
    if grain == "canvas":
        pitch = 2 * math.pi / max(4.0, min(image.size) / 64)
        weave = np.sin(np.arange(width, dtype=np.float32) * pitch)[None, :] + np.sin(np.arange(height, dtype=np.float32) * pitch)[:, None]
        return _image(_array(image) * (0.95 + 0.2 * weave[..., None]))
    cell = max(1, round(min(image.size) / 256))
    rough = noise_source("film", width, height).standard_normal((-(-height // cell), -(-width // cell)), dtype=np.float32)
    speckle = np.repeat(np.repeat(rough, cell, 0), cell, 1)[:height, :width]
    return _image(_array(image) + 34 * speckle[..., None])


def tinted(image: Image.Image, colour: str) -> Image.Image:
    """All colours shifted towards one."""
    grey = (_array(image) @ _LUMA)[..., None]
    return _image(_array(image) * 0.35 + 0.65 * (grey * 0.75 + 30) * (np.array(RGB[colour], np.float32) / 150))


def captioned(image: Image.Image, word: str) -> Image.Image:
    """With a word written along the lower edge."""
    written = image.copy()
    size = max(8.0, min(image.height / 6, image.width / (0.75 * max(len(word), 3))))
    ImageDraw.Draw(written).text(
        (image.width / 2, image.height * 0.86), word, font=ImageFont.load_default(size), anchor="mm",
        fill=(255, 255, 255), stroke_width=max(1, round(size / 10)), stroke_fill=(0, 0, 0),
    )  # fmt: skip
    return written


def with_look(image: Image.Image, look: Look) -> Image.Image:
    """The whole-picture changes that come after the things are drawn (zoom and background blur come before, see render.py)."""
    if look.view != "front":
        image = seen_from(image, look.view)
    if look.tint != "none":
        image = tinted(image, look.tint)
    if look.tone != "natural":
        image = toned(image, look.tone)
    if look.grain != "none":
        image = grained(image, look.grain)
    if look.style != "photo":
        image = styled(image, look.style)
    return captioned(image, look.caption) if look.caption else image


def flickered(image: Image.Image, strength: float, *seed: object) -> Image.Image:
    """What a generator changes without being asked: noise, a small shift of colour and of sharpness; ``strength`` in grey levels."""
    if strength <= 0:
        return image
    lot = noise_source("flicker", *seed)
    values = _array(image)
    shift = lot.uniform(-strength / 2, strength / 2, 3).astype(np.float32)
    sharper = np.float32(lot.uniform(-0.02, 0.04) * min(strength, 4.0))
    soft = _array(image.filter(ImageFilter.BoxBlur(1)))
    noise = lot.standard_normal(values.shape, dtype=np.float32) * np.float32(strength / 2)
    return _image(values + (values - soft) * sharper + shift + noise)


def changed(before: Image.Image, after: Image.Image, more_than: float) -> Image.Image:
    """Where two pictures of one size differ in some channel by more than so many grey levels: mode L, 0 or 255."""
    red, green, blue = ImageChops.difference(before, after).split()
    largest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return largest.point([255 if level > more_than else 0 for level in range(256)])


def _scaled(image: Image.Image, factor: float) -> tuple[int, int]:
    return max(1, round(image.width * factor)), max(1, round(image.height * factor))
