"""Digest and perceptual hash of a picture."""

import hashlib

import imagehash
from PIL import Image

REDUCED_SIDE = 256


def pixel_digest(image: Image.Image) -> str:
    """SHA-256 (hexadecimal) of an RGB picture's size and pixels: the same for every file that decodes to the same picture."""
    digest = hashlib.sha256(f"{image.width}x{image.height}".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()


def perceptual_hashes(image: Image.Image) -> tuple[str, str]:
    """The 64-bit DCT hash of a picture and of its mirror image, 16 hexadecimal digits each.

    Large pictures are halved first (as often as leaves 256 pixels a side): the hash looks at 32 x 32 anyway.
    """
    factor = max(1, min(image.size) // REDUCED_SIDE)
    small = image.convert("L") if factor == 1 else image.reduce(factor).convert("L")
    mirror = small.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return str(imagehash.phash(small)), str(imagehash.phash(mirror))
