"""The base model: its tokenizer keeps every text, its folder loads anywhere, its fast forms are exact."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from transformers import AutoModelForImageTextToText, Qwen2_5_VLForConditionalGeneration  # noqa: E402

from made_lessons import first_groups  # noqa: E402
from unicedit.base.lessons import lessons_of  # noqa: E402
from unicedit.base.model import MAX_BYTES, config, normalised  # noqa: E402
from unicedit.base.optimizer import Muon, orthogonal  # noqa: E402
from unicedit.base.pictures import Album, drawn, seen  # noqa: E402
from unicedit.base.saying import Writer, logits_of, positions_of, visit  # noqa: E402
from unicedit.base.scenes import group_of, numbers  # noqa: E402
from unicedit.base.tokenizer import chat, corpus, tokenizer  # noqa: E402
from unicedit.base.training import Machine, begin, feed_of, resume, teach_saying, teach_seeing  # noqa: E402
from unicedit.errors import PipelineError  # noqa: E402
from unicedit.verifier import cpu_speed  # noqa: E402
from unicedit.verifier.chat import messages, question, reply_text  # noqa: E402
from unicedit.verifier.differential import SOFTENED, differential_picture  # noqa: E402
from unicedit.verifier.load import load_processor  # noqa: E402
from unicedit.world.describe import caption, differences  # noqa: E402
from unicedit.world.grammar import say  # noqa: E402
from unicedit.world.look import flickered  # noqa: E402
from unicedit.world.words import CN, EN, FORMS  # noqa: E402

SHIPPED = Path(__file__).parents[2] / "models" / "tiny-base"


@pytest.fixture(scope="module")
def shipped():
    """The shipped model and its processor, in float32."""
    torch.set_num_threads(1)
    model = AutoModelForImageTextToText.from_pretrained(SHIPPED, dtype=torch.float32, use_safetensors=True, trust_remote_code=False)
    return model.eval(), load_processor(str(SHIPPED))


@pytest.fixture
def fast():
    """With the fast forms, for one test."""
    cpu_speed.enable()
    yield
    cpu_speed.disable()


def test_pictures_are_resized_and_cut_as_the_stock_processor_does(shipped):
    processor = shipped[1].image_processor
    for group in first_groups("validation", 6):
        picture = drawn(group)[0]
        stock = processor(picture, return_tensors="pt")
        ours = normalised(torch.from_numpy(np.asarray(seen(picture), np.float32))[None], processor)
        frames = stock["pixel_values"].reshape(len(ours), 3, 2, -1)
        assert torch.equal(frames[:, :, 0], frames[:, :, 1])
        assert torch.allclose(frames[:, :, 0].reshape(ours.shape), ours, atol=1e-5)


def test_album_goes_on_where_it_stopped(tmp_path):
    Album(tmp_path, "validation").draw(numbers("validation", 0), 2)
    first = (tmp_path / "validation" / "index.jsonl").read_bytes()
    album = Album(tmp_path, "validation")
    album.draw(numbers("validation", 0), 3, workers=1)
    assert (tmp_path / "validation" / "index.jsonl").read_bytes().startswith(first) and len(album.rows) == 3
    number, size, place, count = album.rows[2]
    kept = album.pictures(size)[place : place + count]
    assert np.array_equal(kept, [np.asarray(seen(picture)) for picture in drawn(group_of(number, "validation"))])


def test_tokenizer_keeps_every_text_of_the_world(shipped):
    made = shipped[1].tokenizer
    texts = [*corpus(60)]
    texts += [text for language in (EN, CN) for form in FORMS[language].values() for text in form.values()]
    for split in ("train", "test"):
        for group in first_groups(split, 60, seed=7):
            for change in group.changes:
                given = say(change.edit, EN, group.number), say(change.edit, CN, group.number)
                captions = caption(group.before), caption(change.after)
                texts += [question(given, "full", 3), question(None, "short", 2)]
                texts.append(reply_text(differences(group.before, change.after), True, given, captions))
    texts += ['Anything else: café, "quotes", 12 345 — \\ 你好！', "{}[]\n\t"]
    assert [made.decode(numbers) for numbers in made(texts)["input_ids"]] == texts


def test_replies_are_short_in_tokens(shipped):
    made = shipped[1].tokenizer
    empty = reply_text([], False)
    assert len(made.encode(empty)) <= 8
    lengths = []
    for group in first_groups("test", 40):
        change = group.changes[0]
        given = say(change.edit, EN), say(change.edit, CN)
        lengths.append(len(made.encode(reply_text(differences(group.before, change.after), True, given))))
    assert np.mean(lengths) < 50


def test_a_new_tokenizer_has_the_phrases_and_words_of_its_own():
    made = tokenizer(corpus(120))
    (held,) = made(["Replace the red cube with a yellow heart."])["input_ids"]
    pieces = [made.decode([number]) for number in held]
    assert " red" in pieces and " cube" in pieces and " yellow" in pieces  # colour and kind never fuse: what is held out stays sayable
    assert len(made) < 1400


def test_chats_are_what_the_template_and_processor_write(shipped):
    _, processor = shipped
    picture = seen(drawn(first_groups("validation", 1)[0])[0])
    turn = ("What changed?", "Nothing.")
    text = processor.apply_chat_template(messages(turn[0], 2, turn[1]), tokenize=False)
    found = processor(text=[text], images=[[picture, picture]], return_tensors="pt")
    count = (picture.width // 28) * (picture.height // 28)
    assert found["input_ids"][0].tolist() == processor.tokenizer.encode(chat([turn], [count, count]))


def test_shipped_model_is_stock_small_and_loads(shipped):
    model, processor = shipped
    assert type(model) is Qwen2_5_VLForConditionalGeneration
    assert sum(weight.numel() for weight in model.parameters()) <= 4_000_000
    weights = sorted(SHIPPED.glob("*.safetensors"))
    assert len(weights) == 1 and weights[0].stat().st_size <= 8_000_000 and not list(SHIPPED.glob("*.py"))
    assert json.loads((SHIPPED / "config.json").read_text())["dtype"] == "bfloat16"
    assert model.config.vision_config.patch_size == 14 and config(processor.tokenizer).text_config.vocab_size == len(processor.tokenizer)
    assert (SHIPPED / "README.md").is_file() and MAX_BYTES <= 8_000_000


def test_shipped_model_tells_an_edit_from_flicker(shipped):
    """A floor below what the card says: that the right weights were shipped, and reach their pictures."""
    model, processor = shipped
    text = processor.apply_chat_template(messages(question(None, "short", 3), 3), tokenize=False, add_generation_prompt=True)
    right, asked = {True: 0, False: 0}, {True: 0, False: 0}
    for group in first_groups("validation", 10):
        pictures = drawn(group)
        edits = [(False, pictures[0]), *[(True, pictures[n]) for n, change in enumerate(group.changes, 1) if change.kind == "none"][:1]]
        for changed, edit in edits:
            edit = flickered(edit, 2.0, "test", group.number)
            batch = processor(text=[text], images=[[pictures[0], edit, differential_picture(pictures[0], edit)]], return_tensors="pt")
            made = model.generate(**batch, max_new_tokens=120, do_sample=False)
            reply = json.loads(processor.tokenizer.decode(made[0, batch["input_ids"].shape[1] :], skip_special_tokens=True))
            right[changed], asked[changed] = right[changed] + (reply["is_changed"] == changed), asked[changed] + 1
    assert all(right[changed] / asked[changed] >= 0.8 for changed in asked), (right, asked)


def test_fast_forms_equal_stock(shipped):
    model, processor = shipped
    pictures = drawn(first_groups("test", 1)[0])[:3]
    text = processor.apply_chat_template(messages("What changed?", 3, "All."), tokenize=False)
    even = processor(text=[text], images=[pictures], return_tensors="pt")
    uneven = processor(text=[text], images=[[pictures[0], pictures[1].rotate(90, expand=True), pictures[2]]], return_tensors="pt")
    for batch in (even, uneven):
        with torch.no_grad():
            stock = model(**batch).logits
            cpu_speed.enable()
            try:
                quick = model(**batch).logits
            finally:
                cpu_speed.disable()
        # rounding in float32: both differ from the same in float64 by as much
        assert torch.allclose(stock, quick, atol=5e-5 * float(stock.abs().max()))
        assert not torch.equal(stock, torch.zeros_like(stock))


def test_gradients_of_the_fast_forms_equal_stock(shipped):
    model, processor = shipped
    text = processor.apply_chat_template(messages("What changed?", 2, "All."), tokenize=False)
    batch = processor(text=[text], images=[drawn(first_groups("test", 1)[0])[:2]], return_tensors="pt")
    gradients = []
    for enable in (cpu_speed.disable, cpu_speed.enable):
        enable()
        model.zero_grad()
        model(**batch, labels=batch["input_ids"]).loss.backward()
        gradients.append({name: weight.grad.clone() for name, weight in model.named_parameters()})
    cpu_speed.disable()
    model.zero_grad()
    for name, gradient in gradients[0].items():  # rounding in float32 reaches a few ten-thousandths of a gradient
        assert torch.allclose(gradient, gradients[1][name], atol=1e-3 * max(1.0, float(gradient.abs().max()))), name


def test_lessons_reach_the_model_as_the_stock_forward_takes_them(shipped, tmp_path):
    """Own positions, own cut of pictures and own padding give the stock model's logits."""
    model, processor = shipped
    feed = feed_of(tmp_path, "validation", 1)
    (kept,) = next(iter(feed.by_size.values()))
    lot = random.Random(0)
    shown = visit(feed, [kept], [lessons_of(kept.group, lot)], np.random.default_rng(0))
    from unicedit.base.model import token_grid, tokens_of

    writer = Writer(processor.tokenizer)
    with torch.no_grad():
        tokens = tokens_of(model.model.visual, np.repeat(shown.pictures, 1, 0), _TwoFrames(processor.image_processor))
        part = writer.chats(shown.lessons, shown.places, token_grid(shown.pictures))[0]
        logits, wanted = logits_of(model, tokens, part, writer.image)
        place = 0
        for row, number in enumerate(part.numbers):
            lesson = shown.lessons[number]
            text = chat(lesson.turns, [tokens.shape[1]] * len(lesson.pictures))
            bare = text.replace("<|image_pad|>" * tokens.shape[1], "<|image_pad|>")
            pictures = [Image.fromarray(shown.pictures[spot]) for spot in shown.places[number]]
            batch = processor(text=[bare], images=[pictures], return_tensors="pt")
            known = part.labels[row, 1 : batch["input_ids"].shape[1]] != -100
            stock = model(**batch).logits[0, :-1][known]
            assert torch.allclose(stock, logits[place : place + len(stock)], atol=2e-3)
            assert batch["input_ids"][0, 1:][known].tolist() == wanted[place : place + len(stock)].tolist()
            place += len(stock)
    assert place == len(wanted)


class _TwoFrames:
    """An image processor whose pictures have one frame only in the fast form; here the fast form is on."""

    def __init__(self, processor):
        self.image_mean, self.image_std = processor.image_mean, processor.image_std


@pytest.fixture(autouse=True)
def _fast_for_own_forward(request):
    if "stock_forward" in request.node.name:
        cpu_speed.enable()
        yield
        cpu_speed.disable()
    else:
        yield


def test_positions_are_the_stock_ones(shipped):
    model, processor = shipped
    ids = torch.tensor([processor.tokenizer.encode(chat([("What changed?", "All.")], [12, 12]))])
    image = processor.tokenizer.convert_tokens_to_ids("<|image_pad|>")
    stock, _ = model.model.get_rope_index(ids, (ids == image).int(), torch.tensor([[1, 6, 8]] * 2))
    assert torch.equal(stock[:, 0], positions_of(ids[0] == image, (3, 4)))


def test_training_goes_on_from_its_checkpoint(tmp_path, fast, monkeypatch):
    torch.set_num_threads(1)
    feed = feed_of(tmp_path / "pictures", "train", 20)
    trainee = begin(3, 20)
    teach_seeing(trainee, feed, 0.02, tmp_path / "kept", Machine())
    teach_saying(trainee, feed, 0.02, tmp_path / "kept", Machine(workers=1), frozen=True)
    again = resume(tmp_path / "kept")
    assert again.log == trainee.log and set(again.log.steps) == {"see", "say, tower frozen"}
    for name, weight in trainee.model.state_dict().items():
        assert torch.equal(weight, again.model.state_dict()[name]), name
    assert again.tokenizer.get_vocab() == trainee.tokenizer.get_vocab()
    trainee.publish(tmp_path / "published")
    published = resume(tmp_path / "published")
    assert published.log == trainee.log
    for name, weight in trainee.model.state_dict().items():
        assert torch.equal(weight.bfloat16().float(), published.model.state_dict()[name]), name
    with pytest.raises(PipelineError, match="--resume"):
        resume(tmp_path / "nowhere")
    monkeypatch.setattr("unicedit.base.training.ROPE", 2.0)  # weights of another M-RoPE load, and say noise
    with pytest.raises(PipelineError, match=r"kept: a checkpoint trained with M-RoPE of \[800"):
        resume(tmp_path / "kept")
    assert resume(tmp_path / "published").model.config.text_config.rope_parameters["rope_theta"] == 800.0, "it says its own"


def test_muon_makes_orthogonal_steps():
    torch.manual_seed(0)
    for shape in ((8, 20), (20, 8)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
        assert float(values.min()) > 0.5 and float(values.max()) < 1.5
    weight = torch.nn.Parameter(torch.zeros(8, 20))
    weight.grad = torch.randn(8, 20)
    Muon([weight], lr=0.1).step()
    assert 0.05 < float(weight.detach().pow(2).mean().sqrt()) < 0.15


def test_differential_picture_is_grey_under_flicker_and_shows_an_edit():
    groups = (group_of(number, "train") for number in numbers("train", 0))
    group = next(one for one in groups if one.changes and one.changes[0].edit.operation == "recolour" and one.changes[0].kind == "none")
    before, after = drawn(group)[:2]
    same = np.asarray(differential_picture(before, before))
    assert (same == 128).all() and same.shape == (before.height, before.width, 3)
    quiet = np.asarray(differential_picture(before, flickered(before, 2.0, "test")))
    assert (quiet == 128).mean() > 0.98
    shown = np.asarray(differential_picture(before, after), int) - 128
    true = np.asarray(after, int) - np.asarray(before, int)
    strong = (np.abs(true) > SOFTENED) & (np.abs(true) < 120)
    assert strong.any() and np.array_equal(np.sign(shown[strong]), np.sign(true[strong]))
    assert differential_picture(before, after.resize((31, 17))).size == before.size
