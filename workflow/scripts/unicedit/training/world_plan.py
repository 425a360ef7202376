"""Which samples are drawn in the simulated world: pictures by split, kinds in their shares, sub-tasks evenly.

Nothing leaks: a photograph lies in one split, SFT and D2PO have different pictures, and training and validation hold no held-out composition in a scene before or
after an edit, nor in any text (``scene.HELD_OUT``). A new background is a training photograph in every split.
"""

import random
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from itertools import islice

from unicedit.config.samples import DisturbanceShares, SamplesSettings
from unicedit.errors import PipelineError
from unicedit.training.disturb import drawn as drawn_disturbance
from unicedit.training.parts import Stretch, counts_of
from unicedit.training.schema import D2PO, FAILED_EDIT, HALLUCINATION, KINDS, NO_EDIT, NORMAL, PURPOSES, SFT, TEST, TRAIN
from unicedit.training.world_samples import Drawn, happening, provenance_of
from unicedit.world.apply import Impossible, apply
from unicedit.world.chance import chance
from unicedit.world.faults import DAMAGE, QUALITY
from unicedit.world.grammar import Edit
from unicedit.world.operations import COMPOUND, OPERATIONS
from unicedit.world.outcome import mistaken
from unicedit.world.propose import propose
from unicedit.world.scene import HELD_OUT, Scene, defect_of, held_out, scene_of
from unicedit.world.splits import LESSONS, SAMPLES, split_of
from unicedit.world.splits import TRAIN as TRAINING_PHOTOS

SUBTASKS = tuple(sorted({operation.subtask for operation in OPERATIONS.values() if operation.world} | {COMPOUND}))
_PAIRS_EVERY = 4  # one training picture in four is for preference pairs
_SPARE = 3  # pictures of a part beyond those that its samples need at the least
_DRAWS = 12  # of an edit that may be used in the split, before the sub-task is left out for this picture
_FORMS = ("thing", "a")  # slots that name a thing: "red ball"


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture of the world that samples are drawn in, and what for."""

    name: str
    scene: Scene
    split: str
    purpose: str | None
    disturbances: DisturbanceShares


def plan(stretch: Stretch, settings: SamplesSettings) -> list[Drawn]:
    """The samples of a part. ``PipelineError`` where the world has too few pictures for so many."""
    purpose = stretch.section if stretch.section in PURPOSES else None
    split = TRAIN if purpose else stretch.section
    kinds = list(islice(interleaved(settings, stretch.section), stretch.start, stretch.stop))
    used = _used_before(settings, stretch)
    found: list[Drawn] = []
    for source in _pictures(stretch, settings):
        picture, here = _Picture(source, scene_of(source), split, purpose, settings.disturbances), set[str]()
        for _ in range(min(settings.world.per_picture, len(kinds) - len(found))):
            kind = kinds[len(found)]
            lot = chance("sample", settings.seed, source, len(here), kind)
            one = _sample(picture, kind, used[kind], here, lot)
            if one is None:
                break
            here.add(one.subtask)
            used[kind][one.subtask] += 1
            found.append(one)
        if len(found) == len(kinds):
            return found
    raise PipelineError(
        f"config: samples.world.{stretch.section}: the simulated world has too few pictures for sample {stretch.start + len(found) + 1} of "
        f"{counts_of(settings.world, stretch.section).total}; ask for fewer, or raise samples.world.per_picture (up to 12)"
    )


def interleaved(settings: SamplesSettings, section: str) -> Iterator[str]:
    """The kinds of a section's samples in order, spread in proportion to their numbers."""
    counts = counts_of(settings.world, section)
    wanted = {kind: getattr(counts, kind) for kind in KINDS}
    had = dict.fromkeys(KINDS, 0)
    for number in range(1, counts.total + 1):
        kind = max(KINDS, key=lambda one: (wanted[one] * number / counts.total - had[one], -KINDS.index(one)))
        had[kind] += 1
        yield kind


def _used_before(settings: SamplesSettings, stretch: Stretch) -> dict[str, dict[str, int]]:
    """How often each sub-task stands in earlier parts, by kind, if all of them came out even."""
    order = list(SUBTASKS)
    chance("sub-tasks", settings.seed, stretch.section).shuffle(order)
    had = dict.fromkeys(KINDS, 0)
    for kind in islice(interleaved(settings, stretch.section), stretch.start):
        had[kind] += 1
    return {kind: {subtask: (had[kind] + len(order) - 1 - place) // len(order) for place, subtask in enumerate(order)} for kind in KINDS}


def _pictures(stretch: Stretch, settings: SamplesSettings) -> Iterator[str]:
    """Names of the pictures that a part may use; no other part of any section has them."""
    block = -(-settings.part_size // settings.world.per_picture) + _SPARE
    return islice(_section_pictures(stretch.section, settings.seed), stretch.block * block, (stretch.block + 1) * block)


def _section_pictures(section: str, seed: int) -> Iterator[str]:
    """Names of all pictures of a section, in random order."""
    split = TRAIN if section in PURPOSES else section
    order = list(range(SAMPLES, LESSONS))
    chance("sample pictures", seed).shuffle(order)
    place = 0
    for number in order:
        name = f"world:1/{number:05d}"
        if defect_of(number):
            continue
        scene = scene_of(name)
        if _photo(scene) is None or split_of(_photo(scene)) != split or (split != TEST and held_out(scene)):
            continue
        place += 1
        if split == TRAIN and section != (D2PO if place % _PAIRS_EVERY == 0 else SFT):
            continue
        yield name


def _photo(scene: Scene) -> str:
    assert scene.backdrop is not None, "a scene of the library always has a backdrop"
    return scene.backdrop.photo


def _sample(picture: _Picture, kind: str, used: Mapping[str, int], here: Set[str], lot: random.Random) -> Drawn | None:
    """A sample of the sub-task that was used least and is possible in the picture, of none of those ``here``; None where none is left."""
    order = [subtask for subtask in SUBTASKS if subtask not in here]
    lot.shuffle(order)
    for subtask in sorted(order, key=used.__getitem__):
        for _ in range(_DRAWS):
            edit = propose(picture.scene, subtask, lot)
            if edit is None:
                break
            one = _drawn(picture, kind, edit, lot)
            if one is not None:
                return one
    return None


def _drawn(picture: _Picture, kind: str, edit: Edit, lot: random.Random) -> Drawn | None:
    """The sample of that kind for an edit; None where it may not be used in the split."""
    scene = picture.scene
    other: Edit | None = None
    if kind in (NORMAL, HALLUCINATION):
        try:
            other = mistaken(edit, scene, lot)
        except Impossible:
            return None
    named = [edit] if other is None else [edit, other]
    if not all(_background_may_be_used(one) for one in named):
        return None
    done, told = edit, edit
    if kind == HALLUCINATION and other is not None:
        # half of the hallucinations are texts that misname a right edit, half are edits that misread a right text, as simulated editors do
        done, told = (edit, other) if lot.random() < 0.5 else (other, edit)
    disturbance, measures = drawn_disturbance(picture.disturbances, lot)
    one = Drawn(
        source=picture.name,
        group=_photo(scene),
        split=picture.split,
        purpose=picture.purpose,
        kind=kind,
        held_out=any(composition in HELD_OUT for named_one in named for composition in compositions(named_one, scene)),
        subtask=edit.subtask,
        done=None if kind in (NO_EDIT, FAILED_EDIT) else done,
        told=told,
        mistaken=other if kind == NORMAL else None,
        wording=lot.randrange(6),
        disturbance=disturbance,
        measures=measures,
        fault=lot.choice((QUALITY, DAMAGE)) if kind == FAILED_EDIT else "",
    )
    if kind == FAILED_EDIT and held_out(happening(one, provenance_of(picture.name, 1)).final):  # the damage is drawn with the outcome
        one = replace(one, held_out=True)
    return None if one.held_out and picture.split != TEST else one


def compositions(edit: Edit, scene: Scene) -> set[tuple[str, str]]:
    """Colour and kind of all things that are seen before, during or after an edit, or named by it."""
    found = {(thing.colour, thing.kind) for thing in scene.things}
    for part in edit.parts or (edit,):
        forms = OPERATIONS[part.operation].slots
        for slot, value in part.slots.items():
            if forms[slot] in _FORMS:
                colour, kind = value.split()
                found.add((colour, kind))
        scene = apply(part, scene)
        found |= {(thing.colour, thing.kind) for thing in scene.things}
    return found


def _background_may_be_used(edit: Edit) -> bool:
    return all(part.slots.get("photo", TRAINING_PHOTOS[0]) in TRAINING_PHOTOS for part in edit.parts or (edit,))
