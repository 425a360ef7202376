"""What heads of the base model are shown in training: where questions look, where changes are said from, what copied words repeat."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from transformers import AutoModelForImageTextToText  # noqa: E402

from unicedit.base.copying import BEFORE, SOURCE, Copying  # noqa: E402
from unicedit.base.heads import THING, UNKNOWN, changed_thing, traits_of  # noqa: E402
from unicedit.base.lessons import TO_ENGLISH, Lesson, describe, phrase, questions_of, report  # noqa: E402
from unicedit.base.looking import DIFFERENCES, LAYER, LAYER_OF_CHANGES, Looking, LookingAtChanges, looking_back, quadrants  # noqa: E402
from unicedit.base.model import SECTIONS, fresh  # noqa: E402
from unicedit.base.saying import Writer, changed_places, logits_of, visit  # noqa: E402
from unicedit.base.scenes import Change, Group  # noqa: E402
from unicedit.base.training import feed_of  # noqa: E402
from unicedit.verifier.load import load_processor  # noqa: E402
from unicedit.world.apply import apply  # noqa: E402
from unicedit.world.faults import NONE  # noqa: E402
from unicedit.world.grammar import edit as edit_of  # noqa: E402
from unicedit.world.scene import PLACES, Scene, Thing  # noqa: E402

SHIPPED = Path(__file__).parents[2] / "models" / "tiny-base"


@pytest.mark.parametrize(("grid", "top", "left"), [((4, 4), 8, 8), ((5, 3), 9, 10), ((1, 2), 2, 1)])
def test_quadrants_are_halves_of_the_grid(grid, top, left):
    found = quadrants(grid)
    assert found.shape == (len(PLACES), grid[0] * grid[1])
    by_place = dict(zip(PLACES, found, strict=True))
    assert int((by_place["top left"] | by_place["top right"]).sum()) == top
    assert int((by_place["top left"] | by_place["bottom left"]).sum()) == left
    assert bool(found.any(0).all())


@pytest.fixture
def eager(tmp_path):
    """The shipped model in its own eager form, its processor, and a validation group that can be seen well, with its feed."""
    processor = load_processor(str(SHIPPED))
    model = AutoModelForImageTextToText.from_pretrained(SHIPPED, dtype=torch.float32, attn_implementation="eager").eval()
    feed = feed_of(tmp_path, "validation", 3)
    return model, processor, feed, next(iter(feed.by_size.values()))[:1]


def _attention(model, layer):
    """What the attention weights of a layer turn out to be: filled by the next call."""
    weights: list[torch.Tensor] = []
    model.model.language_model.layers[layer].self_attn.register_forward_hook(lambda _, __, made: weights.append(made[1]))
    return weights


def test_where_questions_look_is_what_the_attention_says(eager):
    """Against the attention weights of the model's own eager form."""
    model, processor, feed, kept = eager
    shown = visit(feed, kept, [questions_of(kept[0].group, random.Random(0))], np.random.default_rng(0))
    grid, writer = (shown.pictures.shape[1] // 28, shown.pictures.shape[2] // 28), Writer(processor.tokenizer)
    looking = Looking(model, processor.tokenizer, writer.image)
    tokens = torch.randn(len(shown.pictures), grid[0] * grid[1], model.config.text_config.hidden_size)
    weights = _attention(model, LAYER)
    (part,) = writer.chats(shown.lessons, shown.places, grid)
    with torch.no_grad():
        logits_of(model, tokens, part, writer.image)
        found = looking.loss(part.ids, [len(places) for places in part.places], grid)
    lost = []
    for row, number in enumerate(part.numbers):
        lesson = shown.lessons[number]
        for place, token in ((place, token) for token in range(part.ids.shape[1]) for place in PLACES):
            text = processor.tokenizer.decode(part.ids[row, token])
            if place not in text or "?" not in text:
                continue
            for head, picture in enumerate((0, int(len(lesson.pictures) > 1))):
                images = (part.ids[row] == writer.image).nonzero().flatten()[picture * grid[0] * grid[1] :][: grid[0] * grid[1]]
                inside = images[quadrants(grid)[PLACES.index(place)]]
                lost.append(-weights[0][row, head, token, inside].sum().log())
    assert len(lost) > 20
    assert float(found) == pytest.approx(float(torch.stack(lost).mean()), abs=1e-4)
    assert looking.loss(part.ids, [0] * len(part.ids), grid) is None


@pytest.mark.parametrize("grid", [(6, 6), (6, 5), (5, 6)])
def test_a_fresh_model_looks_back_at_the_same_place_of_the_picture_before(grid):
    tokenizer = load_processor(str(SHIPPED)).tokenizer
    model = fresh(tokenizer, 0)
    model.set_attn_implementation("eager")
    looking_back(model)
    weights, writer, each = _attention(model, 0), Writer(tokenizer), grid[0] * grid[1]
    (part,) = writer.chats([Lesson("compare", (0, 1, 2), (("What changed?", "nothing"),))], [[0, 1, 2]], grid)
    with torch.no_grad():
        logits_of(model, torch.randn(3, each, model.config.text_config.hidden_size) * 0.3, part, writer.image)
    places = (part.ids[0] == writer.image).nonzero().flatten()
    for picture in (1, 2):
        here, before = places[picture * each :][:each], places[(picture - 1) * each :][:each]
        assert weights[0][0, 0, here].argmax(1).tolist() == before.tolist()


def test_a_head_tells_columns_apart_and_can_seek_what_stands_far_away():
    rates = fresh(load_processor(str(SHIPPED)).tokenizer, 0).model.language_model.rotary_emb.inv_freq
    time, rows, columns = rates.split(list(SECTIONS))
    assert float(time.max()) > 0.5 and float(rows.max()) > 0.5 and float(columns.max()) > 0.4, "radians a step"
    assert int((200 * rates < 3.14 / 2).sum()) >= 4, (
        "pairs that turn less than a quarter over a long chat: two tokens match wherever they stand"
    )


def test_the_one_changed_thing_is_told_before_and_after():
    ball, cube = Thing("ball", "red", "bottom left"), Thing("cube", "blue", "top right")
    scenes = [
        Scene(256, 256, None, things)
        for things in ((ball, cube), (replace(ball, colour="green"), cube), (cube,), (replace(ball, size="large"),))
    ]
    traits = torch.tensor([traits_of(scene) for scene in scenes])
    same, green, gone, both = changed_thing(traits[:1].expand(4, -1), traits).tolist()
    names, half = ["place", *THING], len(THING)
    read = dict(zip(names, green[: 1 + half], strict=True)) | {
        f"then {name}": value for name, value in zip(THING, green[1 + half :], strict=True)
    }
    assert read["place"] == PLACES.index("bottom left") and read["kind"] == read["then kind"] == THING["kind"].index("ball")
    assert (read["colour"], read["then colour"]) == (THING["colour"].index("red"), THING["colour"].index("green"))
    assert read["word"] == read["then word"] == UNKNOWN, "a ball has none"
    assert gone[0] == PLACES.index("bottom left") and gone[1] == read["kind"] and gone[1 + half] == 0 and set(gone[2 + half :]) == {UNKNOWN}
    assert set(same) == set(both) == {UNKNOWN}, "no place differs, or two do"


def test_where_changes_are_said_from_is_what_the_attention_says(eager):
    """A thing in the top left becomes another; reports in both forms, of two pictures and three, and the instruction alone."""
    model, processor, feed, (kept,) = eager
    before = Scene(256, 256, None, (Thing("ball", "red", "top left"), Thing("cube", "blue", "bottom right")))
    edit = edit_of("recolour", thing="red ball", colour="green")
    group = Group(1, before, (Change(NONE, edit, apply(edit, before)),) * len(kept.group.changes))
    rows = [traits_of(scene) for scene in (before, *(change.after for change in group.changes))]
    kept = replace(kept, group=group, traits=torch.tensor(rows))
    lessons = [report(group, number, pictures, form, 0) for form in ("full", "short") for pictures in (2, 3) for number in (1, None)]
    lessons += [phrase(group, 1, 2, random.Random(0)), describe(group, 0)]
    shown = visit(feed, [kept], [lessons], np.random.default_rng(0))
    grid, writer = (shown.pictures.shape[1] // 28, shown.pictures.shape[2] // 28), Writer(processor.tokenizer)
    changes = LookingAtChanges(model, processor.tokenizer, writer.image)
    tokens = torch.randn(len(shown.pictures), grid[0] * grid[1], model.config.text_config.hidden_size)
    attention = model.model.language_model.layers[LAYER_OF_CHANGES].self_attn
    attention.q_proj.requires_grad_(False).weight *= 0.05  # such tokens would leave nothing of the softmax
    attention.q_proj.bias *= 0.05
    weights = _attention(model, LAYER_OF_CHANGES)
    (part,) = writer.chats(shown.lessons, shown.places, grid)
    differ = changed_places(part, shown)
    told = {lesson: 1 if lesson.kind != "describe" and lesson.pictures[1] == 1 else 0 for lesson in lessons}
    assert differ.int().tolist() == [[told[shown.lessons[number]], 0, 0, 0] for number in part.numbers]
    with torch.no_grad():
        embedded: list[torch.Tensor] = []
        model.model.language_model.layers[LAYER_OF_CHANGES + 1].register_forward_pre_hook(
            lambda _, given, named: embedded.append(named.get("hidden_states", given[0] if given else None)), with_kwargs=True
        )
        logits_of(model, tokens, part, writer.image)
        assert changes.said is not None and torch.equal(changes.said, embedded[0]), "what the next layer is given"
        found = changes.loss(part.ids, part.labels, [len(places) for places in part.places], differ, grid)
    lost, read = [], []
    for row, number in enumerate(part.numbers):
        lesson = shown.lessons[number]
        if not told[lesson]:
            continue
        answer = (part.labels[row] != -100).nonzero().flatten().tolist()
        first = next((token for token in answer if processor.tokenizer.decode(part.ids[row, token]) == DIFFERENCES), answer[0] - 1)
        read.append(processor.tokenizer.decode(part.ids[row, first + 1 : answer[-1] + 1]))
        for token in range(first, answer[-1]):
            for head, picture in enumerate((1, len(lesson.pictures) - 1)):
                images = (part.ids[row] == writer.image).nonzero().flatten()[picture * grid[0] * grid[1] :][: grid[0] * grid[1]]
                lost.append(-weights[0][row, head, token, images[quadrants(grid)[0]]].sum().log())
    assert (
        len(read) == 5 and all("green ball" in text or "绿" in text for text in read) and not any("A photograph" in text for text in read)
    )
    assert float(found) == pytest.approx(float(torch.stack(lost).mean()), abs=1e-4)
    assert changes.loss(part.ids, part.labels, [2] * len(part.ids), torch.zeros_like(differ), grid) is None


def test_copied_words_come_from_where_the_attention_says(eager):
    model, processor, feed, kept = eager
    tokenizer = processor.tokenizer
    told = "Replace the red cone with a green cone."
    lessons = [Lesson("text", (0, 1), ((TO_ENGLISH + told, told),)), describe(kept[0].group, 0)]
    shown = visit(feed, kept, [lessons], np.random.default_rng(0))
    grid, writer = (shown.pictures.shape[1] // 28, shown.pictures.shape[2] // 28), Writer(tokenizer)
    copying = Copying(model, writer.image)
    weights = [_attention(model, layer) for layer, _ in (BEFORE, SOURCE)]
    (part,) = writer.chats(shown.lessons, shown.places, grid)
    texts = torch.tensor([shown.lessons[number].kind == "text" for number in part.numbers])
    (row,) = texts.nonzero().flatten().tolist()
    tokens = torch.randn(len(shown.pictures), grid[0] * grid[1], model.config.text_config.hidden_size)
    with torch.no_grad():
        logits_of(model, tokens, part, writer.image)
        found = copying.loss(part.ids, part.labels, texts, tokenizer.pad_token_id)
    ids = part.ids[row].tolist()
    length = ids.index(tokenizer.pad_token_id) if tokenizer.pad_token_id in ids else len(ids)
    plain = [place for place in range(1, length) if writer.image not in (ids[place], ids[place - 1])]
    lost = torch.stack([-weights[0][0][row, BEFORE[1], place, place - 1].log() for place in plain]).mean()
    answer = (part.labels[row] != -100).nonzero().flatten().tolist()
    words = [tokenizer.decode([ids[place]]) for place in answer[:-1]]
    assert "".join(words) == told and len(words) > 5
    asked = ids.index(tokenizer.encode(TO_ENGLISH)[0]) + 1
    seconds = []
    for number, place in enumerate(answer[:-1]):  # what ends the answer is nowhere in the question after the full stop alone
        assert ids[asked + number] == ids[place]
        seconds.append(-weights[1][0][row, SOURCE[1], place - 1, asked + number].log())
    after = ids.index(writer.end, asked)
    assert ids[after - 1] == ids[answer[-2]], "the full stop, and then the end, as in the question"
    seconds.append(-weights[1][0][row, SOURCE[1], answer[-1] - 1, after].log())
    assert float(found) == pytest.approx(float(lost + torch.stack(seconds).mean()), rel=1e-3)
    assert copying.loss(part.ids, part.labels, torch.zeros_like(texts), tokenizer.pad_token_id) is None
