"""Instructions are said and read back, in both languages, and fit the scenes."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unicedit.world.apply import Impossible, apply
from unicedit.world.chance import chance
from unicedit.world.grammar import Edit, Unreadable, compound, edit, read, say
from unicedit.world.library import names
from unicedit.world.operations import COMPOUND, OPERATIONS
from unicedit.world.propose import propose
from unicedit.world.scene import PLACES, Scene, scene_of
from unicedit.world.words import FORMS, LANGUAGES

SUBTASKS = [*dict.fromkeys(operation.subtask for operation in OPERATIONS.values()), COMPOUND]


@st.composite
def edits(draw: st.DrawFn) -> Edit:
    name = draw(st.sampled_from(sorted(OPERATIONS)))
    slots = OPERATIONS[name].slots
    return edit(name, **{slot: draw(st.sampled_from(sorted(FORMS["en"][form]))) for slot, form in slots.items()})


@settings(max_examples=400, deadline=None)
@given(edits(), edits(), st.booleans(), st.integers(0, 11), st.sampled_from(LANGUAGES))
def test_every_edit_is_read_back_as_it_was_said(first: Edit, second: Edit, joined: bool, wording: int, language: str) -> None:
    what = compound(first, second) if joined else first
    assert read(say(what, language, wording)) == what


def test_every_wording_of_every_operation_is_its_own() -> None:
    lot = random.Random(1)
    for name, operation in OPERATIONS.items():
        for language, wordings in (("en", operation.en), ("cn", operation.cn)):
            for wording in range(len(wordings)):
                what = edit(name, **{slot: lot.choice(sorted(FORMS["en"][form])) for slot, form in operation.slots.items()})
                assert read(say(what, language, wording)) == what


@pytest.mark.parametrize("text", ["", "Make it nicer.", "Remove the red dog.", "Turn the red ball into two blue balls.", "Erase " * 500])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        read(text)


def test_the_taxonomy_is_covered_and_possible_often_enough() -> None:
    assert len(SUBTASKS) == 22
    scenes = [scene_of(name) for name in names(240)]
    for subtask in SUBTASKS:
        found = [propose(scene, subtask, chance(subtask, number)) for number, scene in enumerate(scenes)]
        assert all(what.subtask == subtask for what in found if what)
        assert sum(what is not None for what in found) / len(scenes) >= 0.35, subtask


def test_an_edit_is_resolved_against_the_scene() -> None:
    scene = next(scene_of(name) for name in names(99) if scene_of(name).at(PLACES[0]) and scene_of(name).at(PLACES[3]))
    first, last = scene.at(PLACES[0]), scene.at(PLACES[3])
    assert first
    assert last
    after = apply(edit("there_remove", relation="opposite", anchor=first.name), scene)
    assert after.things == tuple(thing for thing in scene.things if thing is not last)
    swapped = apply(edit("swap", thing=first.name, other=last.name), scene)
    assert swapped.thing(first.name).place == last.place  # type: ignore[union-attr]
    with pytest.raises(Impossible):
        apply(edit("there_remove", relation="above", anchor=first.name), scene)
    with pytest.raises(Impossible):
        apply(edit("recolour", thing=first.name, colour=first.colour), scene)


def test_a_photograph_allows_only_what_needs_no_objects() -> None:
    scene = Scene(640, 480, None)
    possible = {subtask for subtask in SUBTASKS if propose(scene, subtask, chance(subtask))}
    assert possible == {
        "Text Modification", "Color Alteration", "Texture Editing", "Background Change", "Style Transfer", "Tone Transformation",
        "Viewpoint Transformation", "Lens Zooming", "Compound Operation Edits", "Implicit Change Edits",
    }  # fmt: skip
