"""The real photographs the world is built on: those that scikit-image and scikit-learn ship, opened by path."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import Image


@dataclass(frozen=True, slots=True)
class Photo:
    """One photograph: the package that ships it, its file, what it shows in both languages, where it is from and on what terms."""

    package: str
    file: str
    en: str
    cn: str
    origin: str
    licence: str


_SKIMAGE = "skimage"
_SKLEARN = "sklearn"

PHOTOS: dict[str, Photo] = {
    "astronaut": Photo(
        _SKIMAGE, "data/astronaut.png", "an astronaut's portrait", "宇航员的肖像",
        "NASA Great Images, Eileen Collins, https://flic.kr/p/r9qvLn, shipped with scikit-image", "public domain",
    ),
    "cat": Photo(
        _SKIMAGE, "data/chelsea.png", "a tabby cat", "一只虎斑猫",
        "Stefan van der Walt, the cat Chelsea, shipped with scikit-image", "CC0-1.0",
    ),
    "coffee": Photo(
        _SKIMAGE, "data/coffee.png", "a cup of coffee on a wooden table", "木桌上的一杯咖啡",
        "Rachel Michetti, courtesy of Pikolo Espresso Bar, shipped with scikit-image", "CC0-1.0",
    ),
    "rocket": Photo(
        _SKIMAGE, "data/rocket.jpg", "a rocket launch site", "火箭发射场",
        "SpaceX Photos, launch of DSCOVR, https://www.flickr.com/photos/spacexphotos/16511594820, shipped with scikit-image",
        "public domain",
    ),
    "motorcycle": Photo(
        _SKIMAGE, "data/motorcycle_left.png", "a motorcycle in a garage", "车库里的一辆摩托车",
        "Middlebury Stereo 2014 (Scharstein et al., GCPR 2014), http://vision.middlebury.edu/stereo/data/scenes2014/, via scikit-image",
        "Middlebury Stereo 2014: free to use with citation",
    ),
    "stars": Photo(
        _SKIMAGE, "data/hubble_deep_field.jpg", "a starry sky", "星空",
        "NASA, Hubble eXtreme Deep Field, http://hubblesite.org/newscenter/archive/releases/2012/37/image/a/, shipped with scikit-image",
        "public domain",
    ),
    "palace": Photo(
        _SKLEARN, "datasets/images/china.jpg", "a Chinese palace", "中国宫殿",
        "danielbuechele, https://www.flickr.com/photos/danielbuechele/6061409035, shipped with scikit-learn", "CC-BY-2.0",
    ),
    "flower": Photo(
        _SKLEARN, "datasets/images/flower.jpg", "a garden flower", "花园里的花朵",
        "vultilion, https://www.flickr.com/photos/vultilion/6056698931, shipped with scikit-learn", "CC-BY-2.0",
    ),
}  # fmt: skip


def path_of(name: str) -> Path:
    """The photograph's file. ``RuntimeError`` names the package that is missing or ships no such file; the package is not imported."""
    photo = PHOTOS[name]
    found = find_spec(photo.package)
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder) / photo.file
        if path.is_file():
            return path
    raise RuntimeError(f"the simulated world needs {photo.file} of the package {photo.package}: install requirements.txt")


@lru_cache(maxsize=len(PHOTOS))
def photograph(name: str) -> Image.Image:
    """The whole photograph, RGB. Shared: callers must not draw on it."""
    with Image.open(path_of(name)) as opened:
        return opened.convert("RGB")
