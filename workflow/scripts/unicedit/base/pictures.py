"""Pictures of the lessons, drawn once and kept at the size the model sees: a folder of raw uint8 pictures, one file a size."""

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

from unicedit.base.grounds import ground
from unicedit.base.scenes import DIVISOR, Group, group_of
from unicedit.ingest.crop import crop_of
from unicedit.world.develop import smeared, spoilt
from unicedit.world.render import backdrop, render
from unicedit.world.scene import Scene
from unicedit.world.splits import Split

MAX_PIXELS, MIN_PIXELS, PATCH, MERGE = 28_224, 3_136, 14, 2


def drawn(group: Group) -> list[Image.Image]:
    """The pictures of a group as the pipeline makes them, without flicker: before, then after each change. RGB, about 256 x 256."""
    scenes = [group.before, *(change.after for change in group.changes)]
    photo = ground(group.number, group.before.width, group.before.height) if group.ground else None
    behind = group.before.backdrop
    kept = backdrop(behind, group.before.width, group.before.height) if behind is not None else None
    pictures = []
    for scene in scenes:
        # The backdrop is drawn once for all scenes that have it. (Blurring a scene without one would spare its middle.)
        same = kept is not None and scene.backdrop == behind and not scene.look.blurred and not scene.white
        pictures.append(_ingested(replace(scene, backdrop=None), kept) if same else _ingested(scene, photo))
    for place, change in enumerate(group.changes, 1):
        if change.smear is not None:
            pictures[place] = smeared(pictures[place], change.smear)
        if change.spoil:
            pictures[place] = spoilt(pictures[place], change.spoil, group.number, place)
    return pictures


def _ingested(scene: Scene, photo: Image.Image | None) -> Image.Image:
    crop = crop_of(scene.width, scene.height, DIVISOR)
    picture = render(scene, photo)
    return picture if picture.size == crop.size else picture.resize(crop.size, Image.Resampling.LANCZOS, box=crop.box)


def seen(picture: Image.Image) -> Image.Image:
    """The picture at the size the model sees it, as the stock processor resizes it."""
    height, width = smart_resize(picture.height, picture.width, PATCH * MERGE, MIN_PIXELS, MAX_PIXELS)
    return picture.resize((width, height), Image.Resampling.BICUBIC)


def _small(number: int, split: Split) -> tuple[int, list[np.ndarray]]:
    """A group's number and its pictures as the model sees them: (height, width, 3), uint8."""
    return number, [np.asarray(seen(picture), np.uint8) for picture in drawn(group_of(number, split))]


class Album:
    """The kept pictures. ``rows`` holds, in order of drawing, number, size (height, width) and the place of the first picture in its file."""

    def __init__(self, folder: Path, split: Split) -> None:
        self.folder = folder / split
        self.split: Split = split
        self.rows: list[tuple[int, tuple[int, int], int, int]] = []
        index = self.folder / "index.jsonl"
        if index.is_file():
            for line in index.read_text().splitlines():
                number, size, first, count = json.loads(line)
                self.rows.append((number, (size[0], size[1]), first, count))

    def draw(self, numbers: Iterator[int], groups: int, workers: int = 0) -> None:
        """Draw groups of the given numbers until there are so many; numbers already there are left out. ``workers`` processes draw, in the same order."""
        self.folder.mkdir(parents=True, exist_ok=True)
        known = {number for number, *_ in self.rows}
        missing = islice((number for number in numbers if number not in known), max(0, groups - len(self.rows)))
        with (self.folder / "index.jsonl").open("a") as index, ExitStack() as stack:
            small_of = partial(_small, split=self.split)
            drawing: Iterator[tuple[int, list[np.ndarray]]] = map(small_of, missing)
            if workers:
                # Not by fork: an accelerator may be in use already.
                pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=get_context("spawn")))
                drawing = pool.map(small_of, missing, chunksize=4)
            for number, small in drawing:
                size = small[0].shape[0], small[0].shape[1]
                with self._file(size).open("ab") as file:
                    first = file.tell() // small[0].nbytes
                    for picture in small:
                        file.write(picture.tobytes())
                row = number, size, first, len(small)
                index.write(json.dumps(row) + "\n")
                index.flush()
                self.rows.append(row)

    def _file(self, size: tuple[int, int]) -> Path:
        return self.folder / f"{size[0]}x{size[1]}.u8"

    def pictures(self, size: tuple[int, int]) -> np.ndarray:
        """All pictures of a size: (count, height, width, 3), uint8, read as needed."""
        whole = np.memmap(self._file(size), np.uint8, mode="r")
        return whole[: len(whole) // (size[0] * size[1] * 3) * size[0] * size[1] * 3].reshape(-1, *size, 3)
