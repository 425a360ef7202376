"""A benchmark made in the simulated world: pictures that nothing else shows, and one instruction for each."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from PIL import Image

from unicedit.errors import PipelineError
from unicedit.files import digest_of
from unicedit.provenance import Provenance
from unicedit.world.chance import chance
from unicedit.world.develop import shown
from unicedit.world.grammar import say
from unicedit.world.instructor import REASONING, reasoning_points
from unicedit.world.propose import propose
from unicedit.world.scene import MAX_NUMBER, VERSION, Scene, defect_of, scene_of
from unicedit.world.words import CN, EN

FIRST = 90_000  # the world's number of the first picture; library and training samples have lower ones
PIXELS = 256 * 256  # of a picture, about


def world_records(task_of: Mapping[str, str], per_subtask: int) -> Iterator[tuple[dict[str, Any], str]]:
    """The values of each record, and the world's name of its picture: ``per_subtask`` of each sub-task, in the order of ``task_of``.

    Always the same; more of a sub-task are added after those that fewer would give, and every sample has a picture of its own. Raises
    ``PipelineError`` where the world has too few pictures.
    """
    numbers = {subtask: FIRST + place for place, subtask in enumerate(task_of)}
    for subtask, task in task_of.items():
        made, number = 0, numbers[subtask]
        while made < per_subtask:
            if number > MAX_NUMBER:
                raise PipelineError(
                    f"config: benchmark.per_subtask = {per_subtask}: the simulated world has pictures for {made} of {subtask}"
                )
            values = _values(f"world:{VERSION}/{number:05d}", number, task, subtask)
            number += len(task_of)
            if values is not None:
                made += 1
                yield values


def _values(name: str, number: int, task: str, subtask: str) -> tuple[dict[str, Any], str] | None:
    if defect_of(number):
        return None
    scene = scene_of(name)
    lot = chance("benchmark", VERSION, number, subtask)
    edit = propose(scene, subtask, lot)
    if edit is None:
        return None
    wording = lot.randrange(6)
    english, chinese = (say(edit, language, wording) for language in (EN, CN))
    key = digest_of("benchmark", name, english)
    values = {
        "key": key,
        "task": task,
        "subtask": subtask,
        "cn": chinese,
        "en": english,
        "image_path": f"images/{key}.png",
        "resolution": _shrunk(scene),
    }
    return values | ({"reasoning_points": reasoning_points(edit, scene)} if subtask in REASONING else {}), name


def world_size(name: str) -> tuple[int, int]:
    """Width and height of a world name's scene."""
    scene = scene_of(name)
    return scene.width, scene.height


def world_picture(name: str, size: tuple[int, int]) -> Image.Image:
    """The picture of a world name in a size, as the simulated editors draw it."""
    full = world_size(name)
    return shown(scene_of(name), Provenance(name, name, *full, (0, 0, *full), *size), None)


def _shrunk(scene: Scene) -> list[int]:
    """A size of about ``PIXELS``, as the library's default: it keeps a run small."""
    factor = math.sqrt(PIXELS / (scene.width * scene.height))
    return [round(scene.width * factor), round(scene.height * factor)]
