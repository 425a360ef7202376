"""The simulated world as an image library: names, encoded files, origin and licence.

So that the funnel has something to refuse, every forty pictures hold one exact duplicate of an earlier one, one near duplicate
(recompressed, or mirrored), one heavily blurred, one of extreme aspect ratio, and one truncated file.
"""

import io

from unicedit.world.photos import PHOTOS
from unicedit.world.render import render
from unicedit.world.scene import BLOCK, MAX_NUMBER, Scene, defect_of, number_of, scene_of


def names(images: int) -> list[str]:
    """The first ``images`` names, in order. ``ValueError`` outside 0 to 100,000."""
    if not 0 <= images <= MAX_NUMBER + 1:
        raise ValueError(f"the simulated world holds 0 to {MAX_NUMBER + 1} images, not {images}")
    return [f"world:1/{number:05d}" for number in range(images)]


def encoded(name: str) -> bytes:
    """The bytes of the picture's file: JPEG of quality 95, or PNG for one in four; the same bytes every time."""
    number = number_of(name)
    scene = scene_of(name)
    if defect_of(number) == "duplicate":
        number -= number % BLOCK - number % 10
    picture = render(scene)
    stored = io.BytesIO()
    if scene.defect == "near":
        picture.save(stored, "JPEG", quality=60)
    elif number % 4 == 3:
        picture.save(stored, "PNG", compress_level=1)
    else:
        picture.save(stored, "JPEG", quality=95)
    whole = stored.getvalue()
    return whole[: len(whole) * 2 // 5] if scene.defect == "truncated" else whole


def origin(name: str) -> str:
    """Where the picture's photograph is from."""
    return f"simulated world, version 1; background: {PHOTOS[_photo(scene_of(name))].origin}"


def licence(name: str) -> str:
    """On what terms the picture's photograph may be used."""
    return PHOTOS[_photo(scene_of(name))].licence


def _photo(scene: Scene) -> str:
    if scene.backdrop is None:
        raise ValueError("a scene of the library always has a backdrop")
    return scene.backdrop.photo
