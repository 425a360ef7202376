"""The simulated engines: instruction writer, editor, verifier, and the truth about them."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from unicedit.edit.port import EditRequest
from unicedit.provenance import EditProvenance, Provenance
from unicedit.schema import TRUTH
from unicedit.vlm.port import VlmRequest
from unicedit.world.editor import SimulatedEditor
from unicedit.world.faults import KINDS, FaultRates
from unicedit.world.grammar import read
from unicedit.world.instructor import SimulatedInstructor
from unicedit.world.library import names
from unicedit.world.operations import COMPOUND, OPERATIONS
from unicedit.world.outcome import outcome
from unicedit.world.photos import photograph
from unicedit.world.render import render
from unicedit.world.scene import defect_of, scene_of
from unicedit.world.truth import truth_of
from unicedit.world.verifier import SimulatedVerifier

SUBTASKS = [*dict.fromkeys(operation.subtask for operation in OPERATIONS.values()), COMPOUND]
NAMES = [name for name in names(60) if not defect_of(int(name[-5:]))]
FLICKER = 2.0


def only(kind: str) -> FaultRates:
    return FaultRates(**{name: float(name == kind) for name in KINDS[1:]})


def provenance_of(name: str) -> Provenance:
    scene = scene_of(name)
    left, top = scene.width // 25, scene.height // 25
    crop = (left, top, scene.width - left, scene.height - top)
    scale = 160 / min(crop[2] - left, crop[3] - top)
    return Provenance(f"key-{name}", name, scene.width, scene.height, crop, round((crop[2] - left) * scale), round((crop[3] - top) * scale))


def picture_of(provenance: Provenance) -> Image.Image:
    """The source as ingest would hold it, after JPEG."""
    stored = io.BytesIO()
    render(scene_of(provenance.source)).save(stored, "JPEG", quality=95)
    size = (provenance.image_width, provenance.image_height)
    return Image.open(stored).convert("RGB").crop(provenance.crop).resize(size, Image.Resampling.LANCZOS)


def asked(provenance: Provenance, seed: int = 0, attempt: int = 0, **details: object) -> VlmRequest:
    variables = {"asked": SUBTASKS, "alternates": [], "count": 22, "seed": seed, **details}
    return VlmRequest(f"q-{provenance.key}", "prompt", (), attempt=attempt, details=variables, provenance=provenance)


def instructions(provenance: Provenance, seed: int = 0, **details: object) -> list[dict]:
    return json.loads(SimulatedInstructor(0).reply([asked(provenance, seed, **details)])[0].text)["instructions"]


def cases(count: int) -> list[tuple[Provenance, str, int]]:
    """Different instructions on different images, with seeds."""
    found = []
    for number in range(count):
        provenance = provenance_of(NAMES[number % len(NAMES)])
        possible = [entry["en"] for entry in instructions(provenance, number // len(NAMES)) if entry["possible"]]
        found.append((provenance, possible[number % len(possible)], number))
    return found


def request_of(provenance: Provenance, english: str, seed: int, image: Image.Image | None = None) -> EditRequest:
    return EditRequest("e", image or picture_of(provenance), english, "", seed, provenance)


def after(provenance: Provenance, english: str, seed: int) -> Provenance:
    return replace(provenance, edit=EditProvenance("a", seed, english))


def mask_of(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as mask:
        assert mask.mode == "1"
        return np.asarray(mask)


def test_instructor_answers_each_asked_subtask_in_order_then_alternates_for_what_is_impossible():
    for name in NAMES[:20]:
        provenance = provenance_of(name)
        asking = ["Portrait Editing", "Text Modification", "Color Alteration"]
        entries = instructions(provenance, asked=asking, alternates=["Lens Zooming", "Style Transfer", "Tone Transformation"], count=3)
        assert [entry["subtask"] for entry in entries[:3]] == asking
        kinds = {thing.kind for thing in scene_of(name).things}
        assert entries[0]["possible"] == ("person" in kinds)
        assert entries[1]["possible"] == ("sign" in kinds)
        assert sum(entry["possible"] for entry in entries) == 3
        for entry in entries:
            if entry["possible"]:
                assert read(entry["en"]) == read(entry["cn"])
            else:
                assert entry["needs"]


def test_instructor_repeats_itself_on_every_asking_but_never_within_an_image():
    provenance = provenance_of(NAMES[0])
    assert instructions(provenance) == instructions(provenance)
    texts = [entry["en"] for entry in instructions(provenance, asked=["Lens Zooming", "Color Alteration"] * 4) if entry["possible"]]
    assert len({read(text) for text in texts}) == len(texts)


def test_malformed_replies_come_at_their_rate_and_another_attempt_mends_them():
    engine = SimulatedInstructor(0.3)
    bad = 0
    for number in range(300):
        provenance = replace(provenance_of(NAMES[0]), key=f"k{number}")
        texts = [engine.reply([asked(provenance, attempt=attempt, asked=["Lens Zooming"], count=1)])[0].text for attempt in range(8)]
        readable = [_is_json(text) for text in texts]
        bad += not readable[0]
        assert any(readable)
    assert 60 <= bad <= 120


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def test_faults_come_at_their_rates():
    rates = FaultRates(no_edit=0.2, misaligned=0.15, quality=0.1, damage=0.05)
    provenance = provenance_of(NAMES[1])
    kinds = []
    for number in range(1500):
        kinds.append(outcome(provenance, "Zoom in on the middle of the picture.", number, rates).kind)
    for kind, rate in zip(KINDS, (0.5, 0.2, 0.15, 0.1, 0.05), strict=True):
        assert abs(kinds.count(kind) / 1500 - rate) < 4 * (rate * (1 - rate) / 1500) ** 0.5
    with pytest.raises(ValueError, match="at most 1"):
        FaultRates(no_edit=0.9, damage=0.2)


def test_edit_is_deterministic_and_no_edit_differs_by_flicker_only():
    for provenance, english, seed in cases(6):
        request = request_of(provenance, english, seed)
        editor = SimulatedEditor(only("no_edit"), FLICKER)
        first, second = editor.edit([request, request])
        assert first.tobytes() == second.tobytes()
        difference = np.abs(np.asarray(first, int) - np.asarray(request.image, int))
        assert 0 < difference.mean() < 2 * FLICKER
        assert np.percentile(difference, 99) < 5 * FLICKER
        assert SimulatedEditor(only("no_edit"), 0).edit([request])[0].tobytes() == request.image.tobytes()


def test_mask_holds_the_changed_pixels_and_nothing_else_changes():
    for provenance, english, seed in cases(44):
        request = request_of(provenance, english, seed)
        truth = truth_of(after(provenance, english, seed), only("none"), FLICKER)
        assert set(truth) == set(TRUTH.names) - {"key", "shard"}
        assert truth["kind"] == "none"
        assert truth["valid"]
        assert read(truth["true_en"]) == read(truth["true_cn"]) == read(english)
        mask = mask_of(truth["mask"])
        assert mask.shape == (provenance.image_height, provenance.image_width)
        assert mask.mean() > 0.0005, english
        assert not mask_of(truth["damage_mask"]).any()
        edited = np.asarray(SimulatedEditor(only("none"), 0).edit([request])[0], int)
        difference = np.abs(edited - np.asarray(request.image, int)).max(2)
        # JPEG of the library blurs the borders of what is drawn, by a pixel or two of small differences.
        assert ((difference > 40) & ~mask).mean() < 0.002, english


@pytest.mark.parametrize("kind", KINDS)
def test_truth_says_what_was_done(kind: str):
    for provenance, english, seed in cases(24):
        truth = truth_of(after(provenance, english, seed), only(kind), FLICKER)
        assert truth["kind"] == kind
        assert truth["valid"] == (kind in ("none", "misaligned"))
        assert mask_of(truth["mask"]).any() == (kind != "no_edit"), english
        assert mask_of(truth["damage_mask"]).any() == (kind in ("quality", "damage")), english
        if kind == "no_edit":
            assert truth["true_en"] is None
        else:
            assert (read(truth["true_en"]) == read(english)) == (kind != "misaligned")


def test_an_instruction_that_is_not_the_worlds_changes_nothing():
    provenance = provenance_of(NAMES[2])
    request = request_of(provenance, "Make it more beautiful.", 3)
    assert SimulatedEditor(only("none"), 0).edit([request])[0].tobytes() == request.image.tobytes()
    assert truth_of(after(provenance, "Make it more beautiful.", 3), only("none"), 0)["kind"] == "no_edit"


def verdicts(kind: str, count: int, **rates: float) -> list[tuple[str, dict]]:
    engine = SimulatedVerifier(**{"miss": 0, "false_alarm": 0, "misstate": 0, **rates}, faults_of={"a": only(kind)}, flicker_of={"a": 2.0})
    found = []
    for provenance, english, seed in cases(count):
        details = {"instruction_en": english, "instruction_cn": ""}
        request = VlmRequest("v", "prompt", (), details=details, provenance=after(provenance, english, seed))
        found.append((english, json.loads(engine.reply([request])[0].text)))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_perfect_verifier_tells_the_truth(kind: str):
    for english, answer in verdicts(kind, 12):
        assert list(answer) == ["source_caption", "edit_caption", "differences", "is_changed", "instruction_en", "instruction_cn"]
        assert answer["is_changed"] == (kind in ("none", "misaligned"))
        assert answer["differences"]
        if answer["is_changed"]:
            assert (read(answer["instruction_en"]) == read(english)) == (kind == "none")
            assert read(answer["instruction_cn"]) == read(answer["instruction_en"])


def test_verifier_errs_at_its_rates():
    count = 150
    missed = sum(answer["is_changed"] for _, answer in verdicts("damage", count, miss=0.3))
    dropped = sum(not answer["is_changed"] for _, answer in verdicts("none", count, false_alarm=0.3))
    wrong = sum(read(answer["instruction_en"]) != read(english) for english, answer in verdicts("none", count, misstate=0.3))
    for found in (missed, dropped, wrong):
        assert 25 <= found <= 65
    with pytest.raises(ValueError, match="simulated editors it was told of"):
        SimulatedVerifier(0, 0, 0, {}, {}).reply([asked(after(provenance_of(NAMES[0]), "x", 1))])


def test_photographs_of_users_are_edited_without_knowing_what_they_show():
    image = photograph("palace").resize((1248, 832))
    provenance = Provenance("user", "holiday/china.jpg", 1300, 880, (0, 0, 1300, 880), 1248, 832)
    entries = [entry for entry in instructions(provenance) if entry["possible"]]
    assert len(entries) == 10
    for number, entry in enumerate(entries):
        for kind in ("none", KINDS[1 + number % 4]):
            edited = SimulatedEditor(only(kind), 0).edit([request_of(provenance, entry["en"], 7, image)])[0]
            assert edited.size == image.size
            assert (edited.tobytes() != image.tobytes()) == (kind != "no_edit")
    truth = truth_of(after(provenance, entries[0]["en"], 7), only("none"), FLICKER)
    assert 0.005 < mask_of(truth["mask"]).mean() < 0.2  # a word along the bottom
