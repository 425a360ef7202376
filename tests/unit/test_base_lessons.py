"""The base model's lessons keep to the training photographs and show what the pipeline draws; their answers are the truth."""

import json
import random

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")

from made_lessons import first_groups
from unicedit.base.grounds import ground
from unicedit.base.heads import LOOK, THING, UNKNOWN, traits_of
from unicedit.base.lessons import (
    INSTRUCT,
    NEITHER,
    OTHERWISE,
    TO_CHINESE,
    TO_ENGLISH,
    TRAITS,
    WHICH,
    answer_both,
    choose,
    lessons_of,
    questions_of,
    translate,
)  # fmt: skip
from unicedit.base.pictures import drawn
from unicedit.base.scenes import group_of, numbers
from unicedit.ingest.crop import crop_of
from unicedit.world.apply import apply
from unicedit.world.faults import NONE
from unicedit.world.grammar import WORDINGS, read, say
from unicedit.world.photos import PHOTOS
from unicedit.world.render import render
from unicedit.world.scene import PLACES, held_out, number_of, scene_of
from unicedit.world.splits import LESSONS, TEST, TRAIN, VALIDATION, split_of
from unicedit.world.words import CN, EN


def test_splits_name_every_photograph_once():
    assert sorted(TRAIN + VALIDATION + TEST) == sorted(PHOTOS)
    assert {split_of(name) for name in VALIDATION} == {"validation"} and {split_of(name) for name in TEST} == {"test"}
    with pytest.raises(KeyError):
        split_of("no photograph")


def test_training_lessons_show_no_test_photograph_and_no_held_out_composition():
    groups = first_groups("train", 700)
    edits = {change.edit.operation for group in groups for change in group.changes}
    assert len(edits) > 35  # nearly all operations, compound ones among them: the check below means something
    for group in groups:
        assert number_of(f"world:1/{group.number:05d}") >= LESSONS
        for scene in (group.before, *(change.after for change in group.changes)):
            assert not held_out(scene)
            assert scene.backdrop is None or scene.backdrop.photo in TRAIN
    assert any(group.ground for group in groups) and not all(group.ground for group in groups)


def test_no_lesson_text_names_what_is_left_out():
    left_out = [PHOTOS[name].en for name in VALIDATION + TEST] + [PHOTOS[name].cn for name in VALIDATION + TEST]
    for group in first_groups("train", 300, seed=3):
        lot = random.Random(group.number)
        lessons = [*lessons_of(group, lot), *(translate(change.edit, lot) for change in group.changes)]
        for text in (text for lesson in lessons for turn in lesson.turns for text in turn):
            assert not any(name in text for name in left_out), text


def test_a_text_lesson_gives_an_instruction_back_or_says_it_otherwise():
    lot, kinds = random.Random(0), set()
    for group in first_groups("train", 60):
        for change in group.changes:
            both = {language: {say(change.edit, language, wording) for wording in range(WORDINGS)} for language in (EN, CN)}
            lesson = translate(change.edit, lot, (0, 1))
            ((question, answer),) = lesson.turns
            assert lesson.kind == "text" and lesson.pictures == (0, 1)
            start = next((start for start in (TO_ENGLISH, TO_CHINESE, OTHERWISE) if question.startswith(start)), INSTRUCT)
            told = question.removeprefix(start)
            language = EN if told in both[EN] else CN
            kinds.add((start, language))
            if start == INSTRUCT:
                english, chinese = answer.splitlines()
                assert english in both[EN] and chinese in both[CN]
                assert question == f"{json.dumps(english)} {json.dumps(chinese, ensure_ascii=False)}{INSTRUCT}"
            elif start == OTHERWISE:
                assert answer in both[language]
            elif (start == TO_ENGLISH) == (language == EN):
                assert answer == told, "given back"
            else:
                assert answer in both[EN if language == CN else CN]
    assert len(kinds) == 7


def test_a_choice_offers_what_was_done_beside_what_was_not():
    lot, kinds = random.Random(0), set()
    for group in first_groups("train", 150):
        for number in (*range(1, len(group.changes) + 1), None):
            change = None if number is None else group.changes[number - 1]
            lesson = choose(group, number, 2, lot)
            if change is not None and change.kind != NONE:
                assert lesson is None, "a spoilt edit is neither done nor not done"
            if lesson is None:
                continue
            ((question, answer),) = lesson.turns
            offered = question.removeprefix(WHICH.split("\n")[0] + "\n").split("\n")
            after = group.before if change is None else change.after
            right = [text for text in offered if apply(read(text), group.before) == after]
            assert len(set(offered)) == 2 and len(right) <= 1 and not (change is None and right)
            language = EN if answer.isascii() else CN
            if right:
                assert answer == right[0]
            else:
                neither, _, instead = answer.partition("\n")
                assert neither == NEITHER[language] and (apply(read(instead), group.before) == after if instead else change is None)
            assert lesson.kind == ("answer" if change is None else "choose"), "only where a change is said is its place shown"
            kinds.add((language, change is None, bool(right) and 1 + offered.index(answer)))
    assert len(kinds) == 8  # both languages; either one, neither, nothing changed


def test_other_splits_show_their_photographs():
    for split in ("validation", "test"):
        for group in first_groups(split, 40):
            assert split_of(group.before.backdrop.photo) == split and not group.ground
    train = next(numbers("train", 0))
    with pytest.raises(ValueError, match="not for test lessons"):
        group_of(train, "test")


def test_grounds_are_made_of_training_photographs_alone(monkeypatch):
    used = set()
    from unicedit.base import grounds
    from unicedit.world.photos import photograph

    monkeypatch.setattr(grounds, "photograph", lambda name: used.add(name) or photograph(name))
    first = [ground(number, 64, 48) for number in range(60)]
    assert used == set(TRAIN)
    assert np.array_equal(first[7], ground(7, 64, 48)) and not np.array_equal(first[7], first[8])


def test_lessons_are_drawn_as_the_pipeline_draws():
    group = next(group for group in first_groups("train", 60) if not group.ground and not any(c.spoil or c.smear for c in group.changes))
    for scene, picture in zip((group.before, *(change.after for change in group.changes)), drawn(group), strict=True):
        crop = crop_of(scene.width, scene.height, 4)
        whole = render(scene).resize(crop.size, Image.Resampling.LANCZOS, box=crop.box)  # as ingest stores a source
        assert np.abs(np.asarray(whole, int) - np.asarray(picture, int)).max() == 0


def test_traits_say_what_a_picture_shows():
    scene = scene_of("world:1/20000")
    traits = traits_of(scene)
    assert len(traits) == len(PLACES) * len(THING) + len(LOOK)
    for place, start in zip(PLACES, range(0, len(traits), len(THING)), strict=False):
        thing = scene.at(place)
        found = dict(zip(THING, traits[start:], strict=False))
        assert THING["kind"][found["kind"]] == (thing.kind if thing else "none")
        assert found["colour"] == (THING["colour"].index(thing.colour) if thing else UNKNOWN)


def test_questions_about_a_pair_are_answered_for_both_pictures():
    for group in first_groups("train", 40):
        for number, change in enumerate(group.changes, 1):
            lesson = answer_both(group, number, 2, random.Random(number), 99)
            assert lesson.pictures == (0, number)
            told = dict(lesson.turns)
            for place in PLACES:
                things = group.before.at(place), change.after.at(place)
                question = TRAITS["colour"].format(place)
                assert (question in told) == (None not in things)
                if question in told:
                    assert told[question] == "\n".join(thing.colour for thing in things)
        assert all(lesson.kind == "answer" for lesson in questions_of(group, random.Random(0)))
