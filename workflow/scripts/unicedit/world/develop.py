"""From a scene to the picture a stage sees: drawn, cropped and resized as ingest did; and its spoiling."""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from unicedit.provenance import Provenance
from unicedit.world.chance import noise_source
from unicedit.world.outcome import Smear
from unicedit.world.render import render
from unicedit.world.scene import Scene

Size = tuple[int, int]
Crop = tuple[int, int, int, int]


def shown(scene: Scene, provenance: Provenance, photo: Image.Image | None) -> Image.Image:
    """The scene as a stage sees it: cropped and resized as ingest did, RGB. Shared: do not draw on it.

    ``photo`` is the user's picture after ingest, for a scene without a backdrop.
    """
    if scene.backdrop is None:
        return render(scene, photo)
    return _shown(scene, provenance.crop, (provenance.image_width, provenance.image_height))


@lru_cache(maxsize=16)
def _shown(scene: Scene, crop: Crop, size: Size) -> Image.Image:
    return render(scene).crop(crop).resize(size, Image.Resampling.LANCZOS)


def smeared(image: Image.Image, smear: Smear) -> Image.Image:
    """With one patch turned upside down, blurred and faded, as a failed inpainting leaves it."""
    radius = smear.radius * min(image.size)
    x, y = smear.x * image.width, smear.y * image.height
    box = (round(x - radius), round(y - radius), round(x + radius), round(y + radius))
    patch = image.crop(box)
    wrong = ImageOps.invert(ImageOps.flip(patch).filter(ImageFilter.GaussianBlur(radius / 9)).filter(ImageFilter.ModeFilter(5)))
    wrong = Image.blend(wrong, ImageOps.flip(patch), 0.35)
    edge = Image.new("L", patch.size)
    ImageDraw.Draw(edge).ellipse((radius * 0.12, radius * 0.12, radius * 1.88, radius * 1.88), fill=255)
    spoilt = image.copy()
    spoilt.paste(wrong, box[:2], edge.filter(ImageFilter.GaussianBlur(radius / 14)))
    return spoilt


def spoilt(image: Image.Image, how: str, *seed: object) -> Image.Image:
    """Ruined all over: ``blur``, ``blocks`` (of a hopeless compression), ``noise`` or ``bands`` (of too few colours)."""
    short = min(image.size)
    if how == "blur":
        return image.filter(ImageFilter.GaussianBlur(short / 55))
    if how == "blocks":
        cell = max(1, round(short / 160))
        small = image.resize((max(8, image.width // cell), max(8, image.height // cell)), Image.Resampling.BOX)
        stored = io.BytesIO()
        small.save(stored, "JPEG", quality=3)
        return Image.open(stored).convert("RGB").resize(image.size, Image.Resampling.NEAREST)
    if how == "noise":
        rough = noise_source("spoil", *seed).standard_normal((image.height, image.width, 3), dtype=np.float32)
        return Image.fromarray(np.clip(np.asarray(image, np.float32) + 55 * rough, 0, 255).astype(np.uint8))
    return ImageOps.posterize(image, 1).point([min(255, level + 40) for level in range(256)] * 3)
