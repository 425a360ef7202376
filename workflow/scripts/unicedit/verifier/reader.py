"""Reading pairs with a verifier: greedy replies in batches, and the log-probabilities of given replies.

Pairs are sorted by their number of tokens, pictures included, so that a batch pads little. Padding is on the left; what stands there is masked out, so a
reply does not depend on its neighbours (in float32, up to rounding).
"""

import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import torch
from PIL import Image

from unicedit.map.stage import RowError
from unicedit.pictures import decoded
from unicedit.verifier.chat import Form, messages, question
from unicedit.verifier.differential import differential_picture
from unicedit.verifier.load import Differential

Inputs = dict[str, torch.Tensor]
_Read = TypeVar("_Read")

# what stands before the verdict; inside a JSON string its quotes would be escaped
_VERDICT = re.compile(r'"is_changed"\s*:')
_BEFORE = re.compile(r'"is_changed"\s*:(\s*)$')
MOST_ELONGATED = 200  # the processors refuse pictures of a larger ratio of sides


@dataclass(frozen=True, slots=True)
class Pair:
    """Source and edit (encoded), and the instruction in English and Chinese, or None where it is withheld."""

    key: str
    source: bytes
    edit: bytes
    instruction: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Reading:
    """A reply, and what stands behind its verdict.

    ``margin`` is log p(true) - log p(false) at the token that decides ``is_changed``, given all before it; None where the reply has no verdict.
    ``log_probability`` is summed over the reply's tokens and its end; None for a reply that was generated and not scored.
    """

    text: str
    margin: float | None
    log_probability: float | None = None


class Reader:
    """A model with its processor, and how it is asked. ``batch_size`` decides speed and memory only."""

    def __init__(
        self, model: Any, processor: Any, differential: Differential, form: Form, max_new_tokens: int = 1024, batch_size: int = 16
    ) -> None:
        self.model = model
        self.processor = processor
        self.tokenizer = processor.tokenizer
        self.differential = differential
        self.form = form
        self.max_new_tokens = max_new_tokens
        self.batch_size = batch_size
        self.end = int(self.tokenizer.convert_tokens_to_ids("<|im_end|>"))
        self.verdicts = _verdict_tokens(self.tokenizer)
        words = self.tokenizer.convert_ids_to_tokens(range(len(self.tokenizer)))
        self._closing = [number for number, word in enumerate(words) if word and "}" in word]  # a vocabulary may have gaps

    def read(self, pairs: Sequence[Pair]) -> list[str]:
        """The greedy reply to each pair, in order."""
        texts = [""] * len(pairs)
        for batch in self.batches(pairs):
            for index, reading in zip(batch, self.generate(self.inputs([pairs[index] for index in batch])), strict=True):
                texts[index] = reading.text
        return texts

    def log_probabilities(self, pairs: Sequence[Pair], replies: Sequence[str]) -> list[float]:
        """The log-probability of each reply to its pair: the sum over the reply's tokens and its end, natural logarithm."""
        found = [0.0] * len(pairs)
        for batch in self.batches(pairs):
            scored = self.score(self.inputs([pairs[index] for index in batch]), [replies[index] for index in batch])
            for index, reading in zip(batch, scored, strict=True):
                assert reading.log_probability is not None
                found[index] = reading.log_probability
        return found

    def each(self, pairs: Sequence[Pair], read: Callable[[list[Pair]], Sequence[_Read]]) -> list[_Read | RowError]:
        """What ``read`` makes of each pair, in order, asked in batches. A pair whose pictures cannot be shown gets its ``RowError``, and the rest of its
        batch is read without it.
        """
        results: list[_Read | RowError] = [RowError("reading: none")] * len(pairs)
        for batch in self.batches(pairs):
            shown = batch
            try:
                found = read([pairs[place] for place in shown])
            except RowError:
                shown = []
                for place in batch:
                    try:
                        pictures_of(pairs[place], self.differential)
                        shown.append(place)
                    except RowError as error:
                        results[place] = error
                found = read([pairs[place] for place in shown]) if shown else []
            for place, one in zip(shown, found, strict=True):
                results[place] = one
        return results

    def batches(self, pairs: Sequence[Pair]) -> Iterator[list[int]]:
        """Positions of pairs, ``batch_size`` at a time, the longest first: what does not fit into memory fails at once."""
        order = sorted(range(len(pairs)), key=lambda index: (-self._tokens(pairs[index]), index))
        for start in range(0, len(order), self.batch_size):
            yield order[start : start + self.batch_size]

    def inputs(self, pairs: Sequence[Pair]) -> Inputs:
        """What the model is given for a batch, padded on the left; with ``mm_token_type_ids``, without which positions degrade silently."""
        chats = [messages(question(pair.instruction, self.form, self._pictures), self._pictures) for pair in pairs]
        made = self.processor(
            text=[self.processor.apply_chat_template(chat, tokenize=False, add_generation_prompt=True) for chat in chats],
            images=[pictures_of(pair, self.differential) for pair in pairs],
            padding=True,
            padding_side="left",
            return_tensors="pt",
        )
        if "mm_token_type_ids" not in made:
            raise RuntimeError("the processor gives no mm_token_type_ids: without them the pictures' positions are wrong")
        return {name: value.to(self.model.device) for name, value in made.items()}

    def generate(self, inputs: Inputs, seed: int | None = None) -> list[Reading]:
        """A reply for each pair of a batch: greedy, or sampled from ``seed`` (then give one pair at a time, for the draws are the batch's).

        A reply that is one whole JSON object ends there, as under a grammar: a small model goes on now and then.
        """
        from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

        sampled = {"do_sample": True, "temperature": 0.7, "top_k": 0, "top_p": 1.0} if seed is not None else {"do_sample": False}
        # what a checkpoint's generation_config.json asks for (sampling, a penalty on repetition) must not bend a verdict
        settings = GenerationConfig(
            **sampled,
            repetition_penalty=1.0,
            num_beams=1,
            max_new_tokens=self.max_new_tokens,
            eos_token_id=self.end,
            pad_token_id=self.tokenizer.pad_token_id,
        )
        margins = _Margins(self.verdicts)
        devices = [self.model.device] if self.model.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices, enabled=seed is not None), torch.inference_mode():
            if seed is not None:
                torch.manual_seed(seed)
            made = self.model.generate(
                **inputs,
                generation_config=settings,
                logits_processor=LogitsProcessorList([margins]),
                stopping_criteria=StoppingCriteriaList([WholeObject(self.tokenizer, self._closing, inputs["input_ids"].shape[1])]),
            )
        replies = made[:, inputs["input_ids"].shape[1] :].cpu()
        found = torch.stack(margins.seen, dim=1).cpu()  # (batch, step, way of writing the verdict)
        return [self._reading(row.tolist(), found[number]) for number, row in enumerate(replies)]

    def score(self, inputs: Inputs, replies: Sequence[str]) -> list[Reading]:
        """The given replies with their log-probabilities and margins, for the pairs of a batch."""
        tokens = [[*self.tokenizer(reply, add_special_tokens=False, split_special_tokens=True)["input_ids"], self.end] for reply in replies]
        longest = max(map(len, tokens))
        device = self.model.device
        ids = torch.tensor([row + [self.tokenizer.pad_token_id] * (longest - len(row)) for row in tokens], device=device)
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in tokens], device=device)
        whole = {
            **inputs,
            "input_ids": torch.cat([inputs["input_ids"], ids], dim=1),
            "attention_mask": torch.cat([inputs["attention_mask"], mask], dim=1),
            "mm_token_type_ids": torch.cat([inputs["mm_token_type_ids"], torch.zeros_like(ids)], dim=1),
        }
        with torch.inference_mode():
            logits = self.model(**whole, use_cache=False, logits_to_keep=longest + 1).logits[:, :-1]
        readings = []
        for number, row in enumerate(tokens):  # one at a time: the softmax of a batch over a large vocabulary is large
            own = logits[number, : len(row)].float()
            chosen = own.log_softmax(dim=-1).gather(-1, ids[number, : len(row), None]).sum(dtype=torch.float64)
            steps = torch.stack([own[:, verdict.yes] - own[:, verdict.no] for verdict in self.verdicts], dim=-1).cpu()
            readings.append(Reading(replies[number], self._margin(row, steps), float(chosen)))
        return readings

    @property
    def _pictures(self) -> Literal[2, 3]:
        return 3 if self.differential == "image" else 2

    def _tokens(self, pair: Pair) -> int:
        try:
            sizes = [_size(pair.source), _size(pair.edit)]
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return 0  # it cannot be read, and will be refused
        if any(_elongated(*size) for size in sizes):
            return 0
        sizes += [sizes[0]] if self._pictures == 3 else []
        processor = self.processor.image_processor
        patches = sum(int(processor.get_number_of_image_patches(height, width)) for width, height in sizes)
        return patches // int(processor.merge_size) ** 2 + len(
            self.tokenizer(question(pair.instruction, self.form, self._pictures))["input_ids"]
        )

    def _reading(self, tokens: list[int], steps: torch.Tensor) -> Reading:
        tokens = tokens[: tokens.index(self.end)] if self.end in tokens else tokens
        return Reading(self.tokenizer.decode(tokens, skip_special_tokens=True), self._margin(tokens, steps))

    def _margin(self, tokens: list[int], steps: torch.Tensor) -> float | None:
        """The margin at the token that decides; ``steps`` holds it for each token and way of writing."""
        if not _VERDICT.search(self.tokenizer.decode(tokens)):
            return None
        low, high = 1, len(tokens)  # the fewest tokens that hold what stands before the verdict
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if _VERDICT.search(self.tokenizer.decode(tokens[:middle])) else (middle + 1, high)
        for place in range(low, min(low + 2, len(tokens))):
            if before := _BEFORE.search(self.tokenizer.decode(tokens[:place])):
                for way, verdict in enumerate(self.verdicts):
                    if tokens[place] in (verdict.yes, verdict.no) and verdict.space == before[1]:
                        return float(steps[place, way])
        return None


@dataclass(frozen=True, slots=True)
class _Verdict:
    """A way of writing the verdict: what stands between the colon and the tokens in which true and false first differ, and these."""

    space: str
    yes: int
    no: int


class _Margins:
    """Notes at each step of generation by how much true is likelier than false, for each way of writing them; changes nothing."""

    def __init__(self, verdicts: Sequence[_Verdict]) -> None:
        self.yes = [verdict.yes for verdict in verdicts]
        self.no = [verdict.no for verdict in verdicts]
        self.seen: list[torch.Tensor] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        self.seen.append(scores[:, self.yes] - scores[:, self.no])
        return scores


class WholeObject:
    """Ends a reply that is a JSON object from its first to its last letter; one that begins with anything else goes on to its own end.

    ``closing`` are the tokens with a closing brace, the only ones that can end an object; ``start`` is where replies begin.
    """

    def __init__(self, tokenizer: Any, closing: Sequence[int], start: int) -> None:
        self.tokenizer, self.start = tokenizer, start
        self.closing = torch.tensor(closing)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **_: Any) -> torch.Tensor:
        done = torch.isin(input_ids[:, -1], self.closing.to(input_ids.device))
        for row in done.nonzero().flatten().tolist():
            text = self.tokenizer.decode(input_ids[row, self.start :], skip_special_tokens=True).strip()
            try:
                done[row] = isinstance(json.loads(text), dict)
            except (ValueError, RecursionError):
                done[row] = False
        return done


def _verdict_tokens(tokenizer: Any) -> list[_Verdict]:
    """The ways in which a tokenizer writes the verdict: after an empty and a filled list, with a space after the colon and without."""
    found: dict[_Verdict, None] = {}
    for before in ('{"differences": [], "is_changed":', '{"differences": ["A"], "is_changed":', '{"is_changed":'):
        for space in (" ", ""):
            yes, no = (tokenizer(f'{before}{space}{word}, "', add_special_tokens=False)["input_ids"] for word in ("true", "false"))
            at = next(number for number, (one, other) in enumerate(zip(yes, no, strict=False)) if one != other)
            if matched := _BEFORE.search(tokenizer.decode(yes[:at])):
                found[_Verdict(matched[1], yes[at], no[at])] = None
    return list(found)


def _size(data: bytes) -> tuple[int, int]:
    """Width and height of an encoded picture, from its header."""
    with Image.open(io.BytesIO(data)) as opened:
        return opened.size


def _elongated(width: int, height: int) -> bool:
    return max(width, height) > MOST_ELONGATED * min(width, height)


def pictures_of(pair: Pair, differential: Differential) -> list[Image.Image]:
    """The pictures that the verifier sees: source, edit and, for ``image``, their difference. Raises ``RowError`` for one that it cannot be shown."""
    source, edit = _shown("source", pair.source), _shown("edit", pair.edit)
    return [source, edit, differential_picture(source, edit)] if differential == "image" else [source, edit]


def _shown(name: str, data: bytes) -> Image.Image:
    try:
        picture = decoded(data)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise RowError(f"not_readable: the {name} picture: {str(error)[:200]}") from error
    if _elongated(*picture.size):
        size = f"{picture.width} x {picture.height}"
        raise RowError(f"elongated: the {name} picture is {size}; one side may be {MOST_ELONGATED} times the other at most")
    return picture
