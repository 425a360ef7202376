"""Replies are scored against the truth: any wording of what happened is right, and a wrong slot is named."""

import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from unicedit.evaluation.meaning import SLOTS, independent, parts_of, same, slots_right
from unicedit.evaluation.score import NoTruth, score
from unicedit.verifier.chat import reply_text
from unicedit.world.apply import Impossible, apply
from unicedit.world.chance import chance
from unicedit.world.grammar import Edit, compound, edit, say
from unicedit.world.library import names
from unicedit.world.operations import COMPOUND, OPERATIONS
from unicedit.world.outcome import mistaken
from unicedit.world.propose import propose
from unicedit.world.scene import Scene, scene_of

NAMES = names(240)
SUBTASKS = [*dict.fromkeys(operation.subtask for operation in OPERATIONS.values()), COMPOUND]
ATTRIBUTE = {"colour", "material", "texture", "size", "motion", "expression", "word", "number", "photo", "style", "tone", "view", "grain"}
UNCHANGED = reply_text([], False)


def sample(source: str, what: Edit | None, kind: str = "normal", wording: int = 0) -> dict[str, Any]:
    texts = {f"true_{language}": say(what, language, wording) if what else None for language in ("en", "cn")}
    return {"key": f"{source}-{wording}", "kind": kind, "source": source, "is_changed": what is not None, **texts}


def replied(what: Edit, wording: int = 0, chinese: Edit | None = None) -> str:
    return reply_text(["Something."], True, (say(what, "en", wording), say(chinese or what, "cn", wording)))


@st.composite
def happened(draw: st.DrawFn) -> tuple[str, Edit]:
    """A picture of the world and an edit it allows."""
    source, subtask, seed = draw(st.sampled_from(NAMES)), draw(st.sampled_from(SUBTASKS)), draw(st.integers(0, 5))
    what = propose(scene_of(source), subtask, chance("score", source, seed))
    assume(what is not None)
    assert what is not None
    return source, what


@settings(max_examples=200, deadline=None)
@given(happened(), st.integers(0, 5), st.integers(0, 5))
def test_every_wording_of_what_happened_is_right(case: tuple[str, Edit], said: int, true: int) -> None:
    source, what = case
    found = score(replied(what, said), sample(source, what, wording=true), "short")
    assert found.right
    assert all(one.right and one.readable for one in found.restated.values())
    assert all(value in (True, None) for one in found.restated.values() for value in one.slots.values())


@settings(max_examples=200, deadline=None)
@given(happened(), st.integers(0, 99))
def test_what_did_not_happen_is_wrong_and_a_wrong_slot_is_named(case: tuple[str, Edit], seed: int) -> None:
    source, what = case
    scene = scene_of(source)
    other = mistaken(what, scene, chance("mistake", seed))
    found = score(replied(other), sample(source, what), "short")
    assert found.changed_right and not found.right
    for one in found.restated.values():
        assert one.readable and not one.right
        assert False in one.slots.values()
    if not what.parts and other.operation == what.operation and "relation" not in what.slots:
        differing = [slot for slot in what.slots if what.slots[slot] != other.slots[slot]]
        if len(differing) == 1:
            group = (
                "attribute"
                if differing[0] in ATTRIBUTE or what.operation == "replace"
                else "place"
                if differing[0] == "place"
                else "object"
            )
            assert {slot for slot, right in found.restated["en"].slots.items() if right is False} == {group}


@settings(max_examples=150, deadline=None)
@given(happened(), happened())
def test_without_the_scene_what_counts_as_the_same_leaves_the_same_scene(first: tuple[str, Edit], second: tuple[str, Edit]) -> None:
    source, what = first
    scene, other = scene_of(source), second[1]
    assert same(what, what, None) and same(what, what, scene)
    try:
        apply(other, scene)
    except Impossible:
        assert not same(other, what, scene)
        return
    if same(other, what, None):
        assert same(other, what, scene)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 20))
def test_joined_edits_may_be_said_in_either_order_when_neither_needs_the_other(source: str, seed: int) -> None:
    scene = scene_of(source)
    what = propose(scene, COMPOUND, chance("joined", source, seed))
    assume(what is not None)
    assert what is not None
    swapped = compound(what.parts[1], what.parts[0])
    if not independent(parts_of(what, scene)):
        return
    assert score(replied(swapped), sample(source, what), "short").right
    assert same(swapped, what, None)
    try:  # the rule that looks at names alone never calls two scenes the same that are not
        after = apply(swapped, scene)
    except Impossible:  # "remove the ball, and then put a cube there" cannot be done the other way round, but says the same
        return
    assert {thing.name: thing for thing in after.things} == {thing.name: thing for thing in apply(what, scene).things}
    assert after.look == apply(what, scene).look


def two_things() -> tuple[str, Scene]:
    """A scene with two plain things of which one stands left of the other."""
    for name in NAMES:
        scene = scene_of(name)
        left, right = scene.at("top left"), scene.at("top right")
        if (
            left
            and right
            and left.kind == "cube"
            and left.texture == "none"
            and left.material == "plain"
            and scene.at("bottom left") is None
        ):
            return name, scene
    raise AssertionError("the world has no such scene any more")


def test_a_relation_is_resolved_against_the_scene() -> None:
    name, scene = two_things()
    left, right = scene.at("top left"), scene.at("top right")
    assert left and right
    colour = "green" if left.colour != "green" else "blue"
    plainly = edit("recolour", thing=left.name, colour=colour)
    by_place = edit("there_recolour", relation="left", anchor=right.name, colour=colour)
    assert score(replied(plainly), sample(name, by_place), "short").right
    assert score(replied(by_place), sample(name, plainly), "short").right
    assert not same(plainly, by_place, None)  # without the scene nobody knows what stands there
    elsewhere = edit("there_recolour", relation="right", anchor=left.name, colour=colour)
    found = score(replied(elsewhere), sample(name, by_place), "short").restated["en"]
    assert (found.slots["operation"], found.slots["object"], found.slots["attribute"]) == (True, False, True)


def test_a_place_is_the_same_however_it_is_said() -> None:
    _, scene = two_things()
    left, right = scene.at("top left"), scene.at("top right")
    assert left and right
    below = edit("relate", thing=right.name, relation="below", anchor=left.name)
    opposite = edit("relate", thing=left.name, relation="opposite", anchor=right.name)
    found = slots_right(opposite, below, scene)
    assert found == {"operation": True, "object": False, "attribute": None, "place": True}


def test_a_cause_is_the_same_as_its_effect() -> None:
    name = NAMES[0]
    night, tone = edit("nightfall"), edit("tone", tone="night")
    assert score(replied(tone), sample(name, night), "short").right
    assert not score(replied(edit("tone", tone="warm")), sample(name, night), "short").right


def test_the_order_counts_where_one_edit_needs_the_other() -> None:
    add, paint = edit("add", new="red ball", place="top left"), edit("recolour", thing="red ball", colour="blue")
    assert not independent(parts_of(compound(add, paint), None))
    assert not same(compound(paint, add), compound(add, paint), None)
    assert same(compound(add, paint), compound(add, paint), None)


def test_parts_that_lack_or_are_too_many_are_wrong() -> None:
    paint, stripe = edit("recolour", thing="red ball", colour="blue"), edit("texture", thing="green cube", texture="striped")
    lacking = slots_right(stripe, compound(paint, stripe), None)
    assert lacking == {"operation": False, "object": False, "attribute": False, "place": None}
    beyond = slots_right(compound(stripe, paint), paint, None)
    assert beyond == {"operation": False, "object": True, "attribute": True, "place": None}
    crossed = compound(edit("recolour", thing="green cube", colour="blue"), edit("texture", thing="red ball", texture="striped"))
    assert slots_right(crossed, compound(paint, stripe), None) == {"operation": True, "object": False, "attribute": True, "place": None}
    assert slots_right(None, paint, None) == {"operation": False, "object": False, "attribute": False, "place": None}


def test_symmetric_edits_may_name_their_things_in_either_order() -> None:
    assert same(edit("swap", thing="red ball", other="blue cone"), edit("swap", thing="blue cone", other="red ball"), None)


def test_a_verdict_of_no_change_is_right_where_nothing_valid_changed() -> None:
    still = sample(NAMES[0], None, "no_edit")
    found = score(UNCHANGED, still, "short")
    assert (found.right, found.restated) == (True, {})
    claimed = score(replied(edit("blur")), still, "short")
    assert (claimed.right, claimed.is_changed, claimed.restated) == (False, True, {})
    changed = score(UNCHANGED, sample(NAMES[0], edit("blur")), "short")
    assert not changed.right and not changed.changed_right
    assert changed.restated["en"].slots == {"operation": False, "object": None, "attribute": None, "place": None}


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "The ball is blue.",
        '{"differences": [], "is_changed": true, "instruction_en": "Blur the background."',
        UNCHANGED.replace("false", "null"),
    ],
)
def test_a_reply_that_does_not_parse_is_wrong_and_says_why(reply: str) -> None:
    for truth in (None, edit("blur")):
        found = score(reply, sample(NAMES[0], truth), "short")
        assert found.fault and found.is_changed is None and not found.right


def test_the_languages_are_scored_apart() -> None:
    name = NAMES[0]
    warm, cool = edit("tone", tone="warm"), edit("tone", tone="cool")
    found = score(replied(warm, chinese=cool), sample(name, warm), "short")
    assert (found.restated["en"].right, found.restated["cn"].right, found.right) == (True, False, False)
    values = json.loads(replied(warm))
    values["instruction_en"] = values["instruction_cn"] + " x"  # the English one in Chinese
    assert not score(json.dumps(values), sample(name, warm), "short").restated["en"].readable


def test_the_full_form_is_scored_too() -> None:
    what = edit("blur")
    text = reply_text(["Blurred."], True, (say(what, "en"), say(what, "cn")), ("A ball.", "A blurred ball."))
    assert score(text, sample(NAMES[0], what), "full").right
    assert score(text, sample(NAMES[0], what), "short").fault


def test_a_truth_that_is_none_is_refused() -> None:
    for spoil in ({"true_en": "Make it nicer."}, {"true_cn": say(edit("tone", tone="warm"), "cn")}):
        with pytest.raises(NoTruth):
            score(UNCHANGED, sample(NAMES[0], edit("blur")) | spoil, "short")
    absent = next(thing for thing in ("red ball", "blue cube", "green cone") if scene_of(NAMES[0]).thing(thing) is None)
    with pytest.raises(NoTruth, match="impossible"):
        score(replied(edit("blur")), sample(NAMES[0], edit("remove", thing=absent)), "short")


def test_every_slot_of_every_operation_is_compared() -> None:
    for name, operation in OPERATIONS.items():
        slots = {slot: "red ball" if form in ("thing", "a") else "x" for slot, form in operation.slots.items()}
        (part,) = parts_of(Edit(name, tuple(slots.values())), None)
        named = sum(len(getattr(part, slot)) for slot in SLOTS[1:])
        assert named == len(operation.slots) - ("relation" in operation.slots) + (name in ("nightfall", "good_news", "bad_news"))
