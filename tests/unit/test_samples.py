"""Training samples of the simulated world: kinds, even sub-tasks, no leak between splits, answers from the truth."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from small_tables import counts_of, picture, rows_of, run_stage
from unicedit.config.samples import DisturbanceShares, KindCounts, RunSampleSettings, SamplesSettings, WorldSampleSettings
from unicedit.errors import PipelineError
from unicedit.pictures import decoded
from unicedit.training.disturb import disturbed, drawn
from unicedit.training.open_source import open_source
from unicedit.training.parts import SECTIONS, Stretch, part_names, stretches
from unicedit.training.parts import counts_of as wanted_of
from unicedit.training.recipes import recipe_modules, samples_recipe
from unicedit.training.sample_stage import SampleStage
from unicedit.training.schema import DISTURBANCES, FAILED_EDIT, HALLUCINATION, KINDS, NO_EDIT, NORMAL, TEST
from unicedit.training.world_plan import SUBTASKS, plan
from unicedit.training.world_samples import Drawn, happening, provenance_of
from unicedit.world.apply import apply
from unicedit.world.chance import chance
from unicedit.world.describe import caption
from unicedit.world.develop import shown
from unicedit.world.editor import develop
from unicedit.world.faults import NONE
from unicedit.world.grammar import read, say
from unicedit.world.outcome import Outcome
from unicedit.world.scene import HELD_OUT, PLACES, scene_of
from unicedit.world.splits import TRAIN as TRAINING_PHOTOS
from unicedit.world.splits import split_of
from unicedit.world.words import CN, COLOUR_CN, EN, KIND_CN

DEFAULT = SamplesSettings()
SMALL = SamplesSettings(
    part_size=48,
    world=WorldSampleSettings(
        sft=KindCounts(normal=16, no_edit=16, hallucination=8, failed=8),
        d2po=KindCounts(),
        validation=KindCounts(),
        test=KindCounts(normal=4, no_edit=4, hallucination=4, failed=8),
        per_picture=6,
    ),
    disturbances=DisturbanceShares(none=1, flicker=1, recompression=1, shift=1),
)
Planned = dict[Stretch, list[Drawn]]


@pytest.fixture(scope="module")
def planned() -> Planned:
    """Every sample of the default settings, by part."""
    return {stretch: plan(stretch, DEFAULT) for stretch in stretches(DEFAULT)}


@pytest.fixture(scope="module")
def every(planned: Planned) -> list[Drawn]:
    return [one for part in planned.values() for one in part]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Drawn, dict[str, Any]]]:
    """Small parts under the real map: what was drawn, and the row made of it, by key."""
    found = {}
    for part, stretch in zip(part_names(SMALL, ()), stretches(SMALL), strict=True):
        table = run_stage(SampleStage(open_source(part, SMALL, 4, ()), 16), tmp_path_factory.mktemp("samples"))
        assert counts_of(table)["status"] == {"ok": stretch.stop - stretch.start, "rejected": 0, "failed": 0}
        by_key = {one.key: one for one in plan(stretch, SMALL)}
        found |= {row["key"]: (by_key[row["key"]], row) for row in rows_of(table)}
    return found


def of_kind(made: dict[str, tuple[Drawn, dict[str, Any]]], *kinds: str) -> list[tuple[Drawn, dict[str, Any]]]:
    found = [pair for pair in made.values() if pair[1]["kind"] in kinds]
    assert found
    return found


def texts_of(one: Drawn) -> Iterator[str]:
    """Every text a sample shows or trains on, and what every scene in it or claimed by it holds."""
    scene = scene_of(one.source)
    yield caption(scene)
    yield caption(happening(one, provenance_of(one.source, 4)).final)
    for edit in (one.done, one.told, one.mistaken):
        if edit is None:
            continue
        yield say(edit, EN, one.wording)
        yield say(edit, CN, one.wording)
        after = scene
        for part in edit.parts or (edit,):
            after = apply(part, after)
            yield caption(after)


def held_out_pattern() -> re.Pattern[str]:
    names = [f"{colour} {kind}s?" for colour, kind in HELD_OUT] + [f"{COLOUR_CN[colour]}的{KIND_CN[kind]}" for colour, kind in HELD_OUT]
    return re.compile(rf"\b(?:{'|'.join(names)})|{'|'.join(names[len(HELD_OUT) :])}")


def test_counts_are_those_asked_for(planned: Planned) -> None:
    for section in SECTIONS:
        kinds = Counter(one.kind for stretch, part in planned.items() if stretch.section == section for one in part)
        assert {kind: kinds[kind] for kind in KINDS} == wanted_of(DEFAULT.world, section).model_dump()
    assert max(len(part) for part in planned.values()) == DEFAULT.part_size


def test_subtasks_come_out_even(every: list[Drawn]) -> None:
    assert len(SUBTASKS) == 22
    for cell in {(one.split, one.purpose, one.kind) for one in every}:
        counts = Counter(one.subtask for one in every if (one.split, one.purpose, one.kind) == cell)
        mean = sum(counts.values()) / 22
        assert set(counts) == set(SUBTASKS)
        assert max(abs(number - mean) for number in counts.values()) <= 3 + 0.05 * mean, (cell, counts)


def test_no_photograph_and_no_picture_is_in_two_splits(planned: Planned, every: list[Drawn]) -> None:
    assert all(split_of(one.group) == one.split for one in every)
    assert all(10_000 <= int(one.source.removeprefix("world:1/")) < 20_000 for one in every)
    parts_of: dict[str, set[Stretch]] = {}
    for stretch, part in planned.items():
        for one in part:
            parts_of.setdefault(one.source, set()).add(stretch)
    assert all(len(parts) == 1 for parts in parts_of.values()), "SFT, D2PO, validation and test have pictures of their own"
    backgrounds = {edit.slots["photo"] for one in every for edit in (one.done, one.told, one.mistaken) if edit and "photo" in edit.slots}
    assert backgrounds == set(TRAINING_PHOTOS)


def test_held_out_compositions_are_in_the_test_split_alone(every: list[Drawn]) -> None:
    pattern = held_out_pattern()
    leaked = [one for one in every if one.split != TEST and any(pattern.search(text) for text in texts_of(one))]
    assert leaked == []
    tested = [one for one in every if one.split == TEST]
    found = [any(pattern.search(text) for text in texts_of(one)) for one in tested]
    assert [one.held_out for one in tested] == found, "the column says what the texts show"
    assert 0.1 < sum(found) / len(found) < 0.5


def test_plan_is_the_same_every_time_and_grows_without_change() -> None:
    first = next(stretches(SMALL))
    assert plan(first, SMALL) == plan(first, SMALL)
    assert not {one.key for one in plan(first, SMALL)} & {one.key for one in plan(first, SMALL.model_copy(update={"seed": 2}))}
    double = SMALL.world.model_copy(update={"sft": KindCounts(normal=32, no_edit=32, hallucination=16, failed=16)})
    assert plan(first, SMALL.model_copy(update={"world": double})) == plan(first, SMALL)


def test_asking_for_more_than_the_world_has_is_refused() -> None:
    world = WorldSampleSettings(validation=KindCounts(normal=50_000), per_picture=1)
    settings = SamplesSettings(world=world, part_size=500)
    with pytest.raises(
        PipelineError, match=r"samples\.world\.validation: the simulated world has too few pictures for sample 45\d\d\d of 50000"
    ):
        plan(Stretch("validation", 90, 45_000, 45_500), settings)


def test_texts_fit_the_kind(made: dict[str, tuple[Drawn, dict[str, Any]]]) -> None:
    for one, row in made.values():
        given, true, rejected = ((row[f"{name}_en"], row[f"{name}_cn"]) for name in ("given", "true", "rejected"))
        assert row["is_changed"] == (row["kind"] in (NORMAL, HALLUCINATION))
        if row["kind"] == NORMAL:
            assert given == true != rejected
        elif row["kind"] == HALLUCINATION:
            assert given != true
            assert rejected == given
        else:
            assert true == (None, None)
            assert rejected == given
        assert bool(row["differences"]) == (row["kind"] != NO_EDIT)
        for other in row["other_wordings"]:
            assert one.done is not None and (other["en"], other["cn"]) != true
            assert read(other["en"]) == read(other["cn"]) == read(say(one.done, EN)), "another wording says the same"
        assert bool(row["other_wordings"]) == row["is_changed"]
        assert row["rejected_differences"]
        assert row["rejected_differences"] != row["differences"] or row["kind"] == FAILED_EDIT
        assert (row["reviewer"], row["purpose"]) == (None, "sft" if one.split == "train" else None)


def test_captions_name_things_in_reading_order(made: dict[str, tuple[Drawn, dict[str, Any]]]) -> None:
    several = 0
    for _, row in made.values():
        for name in ("source_caption", "edit_caption"):
            places = re.findall("|".join(f"in the {place}" for place in PLACES), row[name])
            assert places == sorted(places, key=[f"in the {place}" for place in PLACES].index)
            several += len(places) > 1
    assert several > len(made)


def test_pictures_show_what_the_true_text_says(made: dict[str, tuple[Drawn, dict[str, Any]]]) -> None:
    compared = 0
    for one, row in of_kind(made, NORMAL, HALLUCINATION):
        scene, provenance = scene_of(one.source), provenance_of(one.source, 4)
        after = apply(read(row["true_en"]), scene)
        assert apply(read(row["true_cn"]), scene) == after
        assert apply(read(row["rejected_en"]), scene) != after
        source = shown(scene, provenance, None)
        assert np.array_equal(decoded(row["source_image"]), source)
        clean = develop(Outcome(NONE, None, scene, after, after), source, provenance, 0)
        far = np.abs(np.asarray(decoded(row["edit_image"]), int) - np.asarray(clean, int)).mean()
        assert far == 0 if one.disturbance == "none" else 0 < far < 12, (one.disturbance, far)
        compared += one.disturbance == "none"
    assert compared


def test_nothing_but_the_disturbance_changes_where_nothing_was_edited(made: dict[str, tuple[Drawn, dict[str, Any]]]) -> None:
    seen = set()
    for one, row in of_kind(made, NO_EDIT):
        same = row["source_image"] == row["edit_image"]
        assert same == (one.disturbance == "none")
        assert row["differences"] == []
        assert row["source_caption"] == row["edit_caption"]
        seen.add(one.disturbance)
    assert seen == set(DISTURBANCES)


def test_failed_edits_show_the_damage(made: dict[str, tuple[Drawn, dict[str, Any]]]) -> None:
    for one, row in of_kind(made, FAILED_EDIT):
        assert one.fault in ("quality", "damage")
        assert set(row["rejected_differences"]) != set(row["differences"]), "more is different than what was asked for"


def test_a_part_has_the_same_bytes_every_time(tmp_path: Path) -> None:
    settings = SMALL.model_copy(update={"part_size": 20})
    tables = [run_stage(SampleStage(open_source("00001", settings, 4, ()), batch), tmp_path / str(batch)) for batch in (3, 16)]
    assert tables[0].read_bytes() == tables[1].read_bytes()


def test_disturbances_stay_small_and_leave_no_border() -> None:
    image = picture(3, (90, 60))
    values = np.asarray(image, int)
    assert disturbed(image, "none", ()) is image
    assert np.array_equal(disturbed(image, "shift", (0.0, 0.0)), image)
    right = np.asarray(disturbed(image, "shift", (0.5, 0.0)), int)
    assert right.shape == values.shape
    middle = (values[:, 10:40] + values[:, 9:39]) / 2  # half a pixel to the right lies between a pixel and its left neighbour
    smooth = np.abs(np.diff(values[:, 8:42], axis=1)).max(axis=(1, 2)) < 40
    assert np.abs(right[:, 10:40] - middle)[smooth].max() <= 8
    flat = np.full((40, 40, 3), 200, np.uint8)
    assert np.asarray(disturbed(Image.fromarray(flat), "shift", (0.9, -0.9))).min() == 200
    for how, measures in (("flicker", (3.0,)), ("recompression", (0, 60)), ("recompression", (1, 60))):
        again = disturbed(image, how, measures, "seed")
        assert again.size == image.size
        assert 0 < np.abs(np.asarray(again, int) - values).mean() < 25
        assert np.array_equal(again, disturbed(image, how, measures, "seed"))


def test_disturbances_are_drawn_in_their_shares() -> None:
    shares = DisturbanceShares(none=1, flicker=2, recompression=0, shift=1, flicker_min=2, flicker_max=3)
    found = [drawn(shares, chance("test", number)) for number in range(2000)]
    counts = Counter(how for how, _ in found)
    assert counts["recompression"] == 0
    assert abs(counts["flicker"] - 1000) < 100
    assert all(2 <= measures[0] <= 3 for how, measures in found if how == "flicker")


def test_parts_are_numbered_on_over_the_sections() -> None:
    names = part_names(DEFAULT, ())
    assert names == [f"{number:05d}" for number in range(11)]
    assert [(stretch.section, stretch.start, stretch.stop) for stretch in stretches(DEFAULT)][-1] == ("test", 500, 900)
    run = SamplesSettings(source="run", run=RunSampleSettings(teacher="elsewhere/verify"))
    assert part_names(run, ["00000", "00004"]) == ["00000", "00004"]
    with pytest.raises(PipelineError, match=r"part 00011: the settings under samples\.world ask for 11 parts"):
        open_source("00011", DEFAULT, 4, ())


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"run\.teacher: source `run` needs"):
        SamplesSettings(source="run")
    with pytest.raises(ValueError, match="every share is 0"):
        DisturbanceShares(none=0, flicker=0, recompression=0, shift=0)
    with pytest.raises(ValueError, match="min must be at most max"):
        DisturbanceShares(flicker_min=5, flicker_max=2)
    with pytest.raises(ValueError, match=r"validation \+ test is 1\.1"):
        RunSampleSettings(validation=0.5, test=0.6)


def test_recipe_holds_what_decides_a_sample_and_not_what_chooses_it() -> None:
    world, run = recipe_modules("world"), recipe_modules("run")
    assert {"unicedit.training.world_samples", "unicedit.training.kinds", "unicedit.training.disturb", "unicedit.world.render"} <= set(
        world
    )
    assert {"unicedit.training.run_samples", "unicedit.training.hallucinate", "unicedit.world.hallucinator"} <= set(run)
    for modules in (world, run):
        assert not [name for name in modules if name.startswith(("unicedit.config", "unicedit.map", "unicedit.training.world_plan"))]
    more = DEFAULT.model_copy(update={"seed": 9, "part_size": 40, "batch_size": 2})
    assert samples_recipe(more) == samples_recipe(DEFAULT)
    smaller = DEFAULT.model_copy(update={"encoding": DEFAULT.encoding.model_copy(update={"format": "webp"})})
    assert samples_recipe(smaller) != samples_recipe(DEFAULT)
