"""The second stage: the language model learns to say what the tower sees, and the tower learns on with it."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from unicedit.base.clock import clock_of
from unicedit.base.copying import Copying
from unicedit.base.feed import Feed, Kept, disturbed
from unicedit.base.heads import UNKNOWN, Heads, changed_thing, differing, loss_of
from unicedit.base.lessons import AGAIN, AGAIN_DIFFERENCE, Lesson, lessons_of, questions_of, translate
from unicedit.base.looking import Looking, LookingAtChanges
from unicedit.base.model import token_grid, tokens_of
from unicedit.base.optimizer import optimizers, set_share
from unicedit.base.scenes import Group
from unicedit.base.seeing import Progress, share_of_rate
from unicedit.base.stream import portions
from unicedit.base.tokenizer import chat, ids_of
from unicedit.verifier.differential import signed_difference
from unicedit.world.scene import PLACES

RATE, ADAM_RATE = 1.5e-3, 3e-3
# weights of the heads' losses, of where answers look and what is fetched there, and of texts without pictures and where their words come from
SEEING, COMPARING, LOOKED, TOLD, COPIED = 0.2, 0.3, 0.3, 0.5, 0.1
QUESTIONS = 0.15  # share of the time with questions alone, after that with the tower frozen
TOKEN_SCALE = 0.3  # root mean square of a picture token at the start: of the order of a word's embedding
CHUNK = 24  # chats of about one length that go through the language model together, of eight groups
GROUPS = 8  # in a step
SAYING = ("compare", "report", "phrase", "choose")  # kinds of lessons that say a change
REPEATING = ("text", "choose")  # whose answers repeat words of their questions
TEXTS = 16  # chats without pictures in a step


@dataclass(frozen=True, slots=True)
class Visit:
    """Pictures of a batch of groups, and the lessons about them. ``places`` are rows of ``pictures`` for each lesson."""

    pictures: np.ndarray
    plain: int  # the first so many are the groups' own, in order
    traits: torch.Tensor
    lessons: list[Lesson]
    places: list[list[int]]


def visit(feed: Feed, batch: Sequence[Kept], lessons: Sequence[Sequence[Lesson]], source: np.random.Generator) -> Visit:
    """Draw flicker and differential pictures for the lessons of each group."""
    raw = feed.pictures(list(batch))
    own = disturbed(raw, source)
    starts = np.cumsum([0] + [1 + len(kept.group.changes) for kept in batch])
    own[starts[:-1]] = raw[starts[:-1]]  # a source has no flicker
    rows, flat, places = [own], [], []
    count = len(own)
    for start, asked in zip(starts[:-1], lessons, strict=True):
        extra: dict[int, int] = {}
        for lesson in asked:
            for picture in lesson.pictures:
                if (picture < 0 or picture == AGAIN) and picture not in extra:
                    rows.append(_extra(picture, raw, own, int(start), rows, extra, source))
                    extra[picture] = count
                    count += 1
            flat.append(lesson)
            places.append([extra[picture] if picture in extra else int(start) + picture for picture in lesson.pictures])
    return Visit(np.concatenate(rows), len(own), torch.cat([kept.traits for kept in batch]), flat, places)


def _extra(
    picture: int, raw: np.ndarray, own: np.ndarray, start: int, rows: list[np.ndarray], extra: dict[int, int], source: np.random.Generator
) -> np.ndarray:
    """The source again with flicker, or a differential picture: (1, height, width, 3)."""
    if picture == AGAIN:
        return disturbed(raw[start : start + 1], source)
    if picture == AGAIN_DIFFERENCE:
        other = rows[extra[AGAIN] - len(own) + 1]
    else:
        other = own[start - picture : start - picture + 1]
    return signed_difference(raw[start : start + 1].astype(np.int16), other.astype(np.int16))


@dataclass(frozen=True, slots=True)
class Chats:
    """Chats as the language model takes them: token numbers and labels (chats, length), positions (3, chats, length)."""

    ids: torch.Tensor
    labels: torch.Tensor
    positions: torch.Tensor
    places: list[list[int]]
    numbers: list[int]  # of the lessons

    def to(self, device: torch.device) -> "Chats":
        """The same on a device."""
        return replace(self, ids=self.ids.to(device), labels=self.labels.to(device), positions=self.positions.to(device))


@dataclass(frozen=True, slots=True)
class Portion:
    """What a step learns from: pictures, chats about them, and chats without pictures."""

    shown: Visit
    parts: list[Chats]
    texts: Chats


class Writer:
    """Turns lessons into token numbers."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        (self.image,) = tokenizer.encode("<|image_pad|>")
        (self.end,) = tokenizer.encode("<|im_end|>")
        self.answers = tokenizer.encode("<|im_start|>assistant\n")

    def chats(self, lessons: Sequence[Lesson], places: Sequence[list[int]], grid: tuple[int, int], chunk: int = CHUNK) -> list[Chats]:
        """Chats of like length together."""
        each = grid[0] * grid[1]
        ids = ids_of(self.tokenizer, [chat(lesson.turns, [each] * len(lesson.pictures)) for lesson in lessons])
        order = sorted(range(len(ids)), key=lambda number: len(ids[number]))
        return [self._padded(order[start : start + chunk], ids, places, grid) for start in range(0, len(order), chunk)]

    def _padded(self, numbers: list[int], ids: list[list[int]], places: Sequence[list[int]], grid: tuple[int, int]) -> Chats:
        length = max(len(ids[number]) for number in numbers)
        rows = torch.full((len(numbers), length), self.tokenizer.pad_token_id)
        labels = torch.full((len(numbers), length), -100)
        positions = torch.zeros((3, len(numbers), length), dtype=torch.long)
        for row, number in enumerate(numbers):
            chosen = torch.tensor(ids[number])
            rows[row, : len(chosen)] = chosen
            self._label(chosen, labels[row])
            positions[:, row, : len(chosen)] = positions_of(chosen == self.image, grid)
        return Chats(rows, labels, positions, [places[number] for number in numbers], numbers)

    def _label(self, ids: torch.Tensor, labels: torch.Tensor) -> None:
        """Answers are to be learned, with the token that ends them."""
        numbers, start = ids.tolist(), len(self.answers)
        for place in range(len(numbers) - start):
            if numbers[place : place + start] == self.answers:
                end = numbers.index(self.end, place + start)
                labels[place + start : end + 1] = ids[place + start : end + 1]


def positions_of(images: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
    """M-RoPE positions as the stock model numbers them, for pictures of one grid of tokens: (3, length)."""
    rows, columns = grid
    count = rows * columns
    found = torch.empty((3, len(images)), dtype=torch.long)
    marks, place, now = images.tolist(), 0, 0
    inside = torch.stack(
        (torch.zeros(count, dtype=torch.long), torch.arange(rows).repeat_interleave(columns), torch.arange(columns).repeat(rows))
    )
    while place < len(marks):
        if marks[place]:
            found[:, place : place + count] = inside + now
            place, now = place + count, now + max(rows, columns)
            continue
        end = marks.index(True, place) if True in marks[place:] else len(marks)
        found[:, place:end] = torch.arange(now, now + end - place)
        place, now = end, now + end - place
    return found


class Second:
    """What the language model has made of the second picture's tokens halfway: there it must know what was in the same place of the first.

    Asked for by heads of its own, this is learned from every pair and every place, long before the words for it are.
    """

    def __init__(self, model: Any, image: int) -> None:
        layers = model.model.language_model.layers
        self.image = image
        self.hidden: torch.Tensor | None = None
        layers[len(layers) // 2 - 1].register_forward_hook(self._keep)

    def _keep(self, _: Any, __: Any, output: Any) -> None:
        self.hidden = output

    def loss(self, heads: Heads, part: Chats, shown: Visit, grid: tuple[int, int]) -> torch.Tensor | None:
        """Cross-entropy of the first picture's traits and of what differs, over the chats with several pictures; None where there are none."""
        pairs = [row for row, places in enumerate(part.places) if len(places) > 1]
        if not pairs or self.hidden is None:
            return None
        each = grid[0] * grid[1]
        tokens = torch.stack([self.hidden[row][part.ids[row] == self.image][each : 2 * each] for row in pairs])
        before, after = _traits([part.places[row] for row in pairs], shown)
        return loss_of(heads(tokens, grid), torch.cat((before, differing(before, after)), 1))


def _traits(places: Sequence[list[int]], shown: Visit) -> tuple[torch.Tensor, torch.Tensor]:
    """Traits of the first and of the second pictures, where there is one: (chats, traits) twice."""
    before = [each[0] for each in places]
    # A picture beyond the groups' own is the source again.
    after = [each[1] if len(each) > 1 and each[1] < shown.plain else each[0] for each in places]
    return shown.traits[before], shown.traits[after]


def changes_said(changes: LookingAtChanges, heads: Heads, part: Chats, shown: Visit, differ: torch.Tensor) -> torch.Tensor | None:
    """Cross-entropy of the one changed place and of the thing there before and after, at every token from which that change is said; None where none is.

    What is to be said lies in the second picture's tokens by then; to fetch it is what the words alone teach last.
    """
    chats, at = changes.tokens(part.ids, part.labels, differ)
    if changes.said is None or not len(chats):
        return None
    wanted = changed_thing(*_traits(part.places, shown)).to(chats.device)[chats]
    known = wanted[:, 0] != UNKNOWN
    return loss_of(heads.said(changes.said[chats, at][known]), wanted[known]) if known.any() else None


def changed_places(part: Chats, shown: Visit) -> torch.Tensor:
    """Which places differ in the pair whose change a chat says: (chats, places), bool; none where it says no change."""
    found = torch.zeros((len(part.numbers), len(PLACES)), dtype=torch.bool)
    told = [row for row, number in enumerate(part.numbers) if shown.lessons[number].kind in SAYING and len(part.places[row]) > 1]
    if told:
        found[told] = differing(*_traits([part.places[row] for row in told], shown))[:, : len(PLACES)].bool()
    return found


def logits_of(model: Any, tokens: torch.Tensor | None, chats: Chats, image: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits where an answer's token is to be foretold, and those tokens. ``tokens``: of all pictures, (pictures, rows * columns, width)."""
    embedded = model.model.language_model.embed_tokens(chats.ids)
    if tokens is not None:
        chosen = tokens[[place for places in chats.places for place in places]]
        embedded = embedded.masked_scatter((chats.ids == image)[..., None], chosen.reshape(-1, chosen.shape[-1]))
    hidden = model.model.language_model(inputs_embeds=embedded, position_ids=chats.positions, use_cache=False).last_hidden_state
    wanted = chats.labels[:, 1:]
    known = wanted != -100
    return model.lm_head(hidden[:, :-1][known]), wanted[known]


class _Maker:
    """Makes portions: lessons of a kind about a batch of groups."""

    def __init__(self, feed: Feed, writer: Writer, asked: Callable[[Group, random.Random], Sequence[Lesson]], chunk: int) -> None:
        self.feed, self.writer, self.asked, self.chunk = feed, writer, asked, chunk

    def __call__(self, batch: list[Kept], lot: random.Random, source: np.random.Generator) -> Portion:
        shown = visit(self.feed, batch, [self.asked(kept.group, lot) for kept in batch], source)
        grid = token_grid(shown.pictures)
        return Portion(shown, self.writer.chats(shown.lessons, shown.places, grid, self.chunk), self._texts(batch, lot, grid))

    def _texts(self, batch: list[Kept], lot: random.Random, grid: tuple[int, int]) -> Chats:
        edits = [change.edit for kept in batch for change in kept.group.changes][:TEXTS]
        (part,) = self.writer.chats([translate(edit, lot) for edit in edits], [[]] * len(edits), grid, TEXTS)
        return part


class _Speaker:
    """A model with what is learned beside its texts: one step's losses and their gradients."""

    def __init__(self, model: Any, heads: Heads, pairs: Heads, processor: Any, tokenizer: Any, frozen: bool) -> None:
        self.model, self.heads, self.pairs, self.processor, self.frozen = model, heads, pairs, processor, frozen
        self.writer = Writer(tokenizer)
        self.second, self.looking = Second(model, self.writer.image), Looking(model, tokenizer, self.writer.image)
        self.changes = LookingAtChanges(model, tokenizer, self.writer.image)
        self.copying = Copying(model, self.writer.image)

    def _copied(self, chats: Chats, texts: torch.Tensor) -> torch.Tensor | None:
        return self.copying.loss(chats.ids, chats.labels, texts.to(chats.ids.device), self.writer.tokenizer.pad_token_id)

    def learn(self, portion: Portion) -> tuple[float, float]:
        """Gradients of a step; the language model's loss and the comparing heads' (not a number where nothing was compared)."""
        shown, grid = portion.shown, token_grid(portion.shown.pictures)
        with torch.set_grad_enabled(not self.frozen):
            tokens = tokens_of(self.model.model.visual, shown.pictures, self.processor)
        total = sum(int((part.labels[:, 1:] != -100).sum()) for part in portion.parts)
        held = tokens.detach().requires_grad_(not self.frozen)
        losses, apart = [], []
        for part in (part.to(tokens.device) for part in portion.parts):
            logits, wanted = logits_of(self.model, held, part, self.writer.image)
            lost = F.cross_entropy(logits, wanted, reduction="sum") / total
            losses.append(lost.detach())
            compared = self.second.loss(self.pairs, part, shown, grid)
            if compared is not None:
                lost = lost + COMPARING / len(portion.parts) * compared
                apart.append(compared.detach())
            pictures = [len(places) for places in part.places]
            differ = changed_places(part, shown).to(part.ids.device)
            for looked in (
                self.looking.loss(part.ids, pictures, grid),
                self.changes.loss(part.ids, part.labels, pictures, differ, grid),
                changes_said(self.changes, self.pairs, part, shown, differ),
            ):
                if looked is not None:
                    lost = lost + LOOKED / len(portion.parts) * looked
            copied = self._copied(part, torch.tensor([shown.lessons[number].kind in REPEATING for number in part.numbers]))
            if copied is not None:
                lost = lost + COPIED / len(portion.parts) * copied
            lost.backward()
        if not self.frozen:
            seeing = loss_of(self.heads(tokens[: shown.plain], grid), shown.traits) * SEEING
            torch.autograd.backward([tokens, seeing], [held.grad, None])
        texts = portion.texts.to(tokens.device)
        logits, wanted = logits_of(self.model, None, texts, self.writer.image)
        copied = self._copied(texts, torch.ones(len(texts.ids), dtype=torch.bool))
        (TOLD * F.cross_entropy(logits, wanted) + (0 if copied is None else COPIED * copied)).backward()
        return float(torch.stack(losses).sum()), float(torch.stack(apart).mean()) if apart else math.nan


def say(
    model: Any, heads: Heads, pairs: Heads, feed: Feed, processor: Any, tokenizer: Any, minutes: float, seed: int, groups: int = GROUPS,
    frozen: bool = False, workers: int = 0, questions: float = QUESTIONS, report: Callable[[Progress], None] = lambda _: None,
) -> None:  # fmt: skip
    """Train the whole model for so many minutes (of this thread's processor time on a CPU: what runs beside it does not shorten it).

    ``frozen`` leaves the tower as it is. ``pairs`` are heads that compare. ``workers`` processes make the lessons. ``questions`` is the share of the time
    with questions alone.
    """
    chosen = optimizers([model.model.language_model, pairs] if frozen else [model, heads, pairs], RATE, ADAM_RATE)
    speaker, clock = _Speaker(model, heads, pairs, processor, tokenizer, frozen), clock_of(model.device)
    start, step, mean, apart = clock(), 0, math.nan, math.nan
    phases = [(questions_of, 1.0)] if frozen else [(questions_of, questions), (lessons_of, 1.0)]
    for number, (asked, end) in enumerate(phases):
        maker = _Maker(feed, speaker.writer, asked, CHUNK * groups // GROUPS)
        for portion in portions(feed, groups, maker, seed + number, workers):
            share = (clock() - start) / (60 * minutes)
            if share >= end:
                break
            set_share(chosen, share_of_rate(step, 0 if frozen else share))  # with the tower frozen the end is not yet near
            loss, compared = speaker.learn(portion)
            for optimizer in chosen:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            mean = loss if math.isnan(mean) else 0.98 * mean + 0.02 * loss
            if not math.isnan(compared):
                apart = compared if math.isnan(apart) else 0.98 * apart + 0.02 * compared
            step += 1
            report(Progress(step, share, mean, apart))
