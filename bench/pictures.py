"""Made photographs for benchmarks: crops of the shipped ones, enlarged to about one megapixel, as JPEG files."""

import random
import sys
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

SIZES = ((1200, 900), (900, 1200), (1024, 1024), (1280, 853), (1100, 950))


def photographs() -> list[Path]:
    """Photograph files that scikit-image and scikit-learn ship."""
    from importlib.util import find_spec

    folders = []
    for package, folder in (("skimage", "data"), ("sklearn", "datasets/images")):
        spec = find_spec(package)
        assert spec is not None and spec.origin is not None
        folders.append(Path(spec.origin).parent / folder)
    names = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "china.jpg", "flower.jpg")
    return [path for folder in folders for name in names if (path := folder / name).exists()]


def make_photographs(folder: Path, count: int) -> list[Path]:
    """Write ``count`` different JPEG files of about 1 MP; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = [Image.open(path).convert("RGB") for path in photographs()]
    chance = random.Random(11)
    made = []
    for number in range(count):
        source = sources[number % len(sources)]
        size = SIZES[number % len(SIZES)]
        scale = chance.uniform(0.5, 0.9) * min(source.width / size[0], source.height / size[1])
        width, height = size[0] * scale, size[1] * scale
        left, top = chance.uniform(0, source.width - width), chance.uniform(0, source.height - height)
        picture = source.resize(size, Image.Resampling.BICUBIC, box=(left, top, left + width, top + height))
        path = folder / f"{number:06d}.jpg"
        picture.save(path, quality=92)
        made.append(path)
    return made
