"""The world's pictures: the same every time, different from each other, imperfect in known shares."""

import io
from collections import Counter

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageOps

from unicedit.world import library
from unicedit.world.photos import PHOTOS
from unicedit.world.render import NEAR, SIDE, render
from unicedit.world.scene import COLOURS, HELD_OUT, KINDS, PLACES, defect_of, held_out, scene_of

NAMES = library.names(240)
WHOLE = [name for name in NAMES if not defect_of(int(name[-5:]))]


def test_same_name_gives_same_bytes_and_names_grow_only_at_the_end():
    assert library.encoded(NAMES[5]) == library.encoded(NAMES[5])
    assert library.names(10) == NAMES[:10]
    with pytest.raises(ValueError, match="100000"):
        library.names(100_002)
    with pytest.raises(ValueError, match="no picture of the simulated world"):
        scene_of("world:1/../../etc")


def test_version_one_stays_as_it_is():
    scene = scene_of("world:1/00004")
    assert [(thing.name, thing.place) for thing in scene.things] == FIXED


FIXED = [("green sign", "top left"), ("blue ball", "top right"), ("blue cone", "bottom right")]


def test_world_shows_every_kind_colour_place_and_photograph():
    scenes = [scene_of(name) for name in NAMES]
    things = [thing for scene in scenes for thing in scene.things]
    assert {thing.kind for thing in things} == set(KINDS)
    assert {thing.colour for thing in things} == set(COLOURS)
    assert {thing.place for thing in things} == set(PLACES)
    assert {scene.backdrop.photo for scene in scenes if scene.backdrop} == set(PHOTOS)
    for scene in scenes:
        assert len(scene.things) in (2, 3)
        assert len({thing.place for thing in scene.things}) == len({thing.name for thing in scene.things}) == len(scene.things)


def test_a_known_share_of_scenes_is_held_out():
    shares = [held_out(scene_of(name)) for name in library.names(1000)]
    assert 0.2 < np.mean(shares) < 0.3
    assert len(HELD_OUT) == 6


def test_no_thing_is_cut_by_a_crop_of_a_fifth():
    assert NEAR - SIDE["normal"] / 2 - 0.02 >= 0.1
    for name in WHOLE[:12]:
        scene = scene_of(name)
        bare = np.asarray(render(scene), int) - np.asarray(render(scene.__class__(scene.width, scene.height, scene.backdrop)), int)
        rows, columns = np.nonzero(np.abs(bare).max(2) > 60)
        assert columns.min() >= 0.08 * scene.width
        assert columns.max() <= 0.92 * scene.width
        assert rows.min() >= 0.08 * scene.height
        assert rows.max() <= 0.92 * scene.height


def test_five_of_forty_are_imperfect_each_in_its_way():
    kinds = Counter(defect_of(number) for number in range(240))
    assert kinds == {"": 210, "duplicate": 6, "near": 6, "blurred": 6, "narrow": 6, "truncated": 6}
    assert library.encoded("world:1/00013") == library.encoded("world:1/00003")
    original, recompressed, mirror = (
        imagehash.phash(image) for image in (_open("world:1/00009"), _open("world:1/00019"), ImageOps.mirror(_open("world:1/00059")))
    )
    assert original - recompressed <= 4
    assert imagehash.phash(_open("world:1/00049")) - mirror <= 4
    width, height = _open("world:1/00031").size
    assert max(width / height, height / width) > 3
    with pytest.raises(OSError, match=r"truncated|broken"):
        _open("world:1/00037").load()


def test_pictures_are_no_near_duplicates_of_each_other():
    hashes = np.array([imagehash.phash(render(scene_of(name))).hash.ravel() for name in WHOLE[:120]])
    distances = (hashes[:, None] != hashes[None]).sum(2) + 99 * np.eye(len(hashes), dtype=int)
    assert distances.min() > 4


def test_origin_and_licence_name_the_photograph():
    assert "scikit-" in library.origin(NAMES[0])
    assert {library.licence(name) for name in NAMES} == {photo.licence for photo in PHOTOS.values()}


def _open(name: str) -> Image.Image:
    return Image.open(io.BytesIO(library.encoded(name)))
