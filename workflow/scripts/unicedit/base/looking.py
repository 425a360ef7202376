"""Where answers look: in training, heads of the language model are shown the place in the pictures that a question names, or where a pair differs.

A question names a place in words, and the picture's tokens know theirs by M-RoPE alone. To find the one by the other is what a small language model learns last, and
everything else waits for it. To compare is harder still: nothing in the question says where.
"""

from typing import Any

import torch

from unicedit.base.lessons import TRAITS, WHAT
from unicedit.base.watch import Watch, in_pictures
from unicedit.world.scene import PLACES

LAYER, LOOKING = 1, 2  # the layer that is shown places, and how many of its heads: one for the first picture, one for the second
LAYER_OF_CHANGES = 2  # a layer later the second picture's tokens know what was there before (saying.py, Second)
DIFFERENCES = '", "differences": '  # what ends the captions in a full report


def quadrants(grid: tuple[int, int]) -> torch.Tensor:
    """Which of a picture's tokens belong to each place: (places, rows * columns), bool. A middle row or column belongs to both sides."""
    rows, columns = grid
    y, x = (torch.arange(count) * 2 + 1 - count for count in grid)  # below 0: top or left
    found = []
    for place in PLACES:
        vertical, horizontal = place.split()
        tall = (y <= 0) if vertical == "top" else (y >= 0)
        wide = (x <= 0) if horizontal == "left" else (x >= 0)
        found.append((tall[:, None] & wide[None, :]).reshape(rows * columns))
    return torch.stack(found)


# A head that begins by minding where tokens are: what a step of one row, one column or one picture's time costs its score, how large each bias of its key is,
# how little it minds content, and the rate (radians a step) below which a pair of M-RoPE's numbers cannot tell places of so small a picture apart.
_STEP, _CONTENT, _SLOW = 3.5, 0.1, 0.05
_BACK = (8, 9, 10)  # from a place to the same in the picture before: the longer side in tokens, and the two tokens between


def _pulls(language: Any) -> torch.Tensor:
    """Size of a query's and a key's biases with which one step of time, of rows or of columns costs ``_STEP``: (half of a head's width,)."""
    found = []
    for rates in language.rotary_emb.inv_freq.split(language.rotary_emb.mrope_section):
        fast = rates > _SLOW
        told = (1 - torch.cos(rates[fast])).sum() / language.layers[0].self_attn.head_dim ** 0.5
        found.append(torch.where(fast, (_STEP / told).sqrt(), 0.0))
    return torch.cat(found)


@torch.no_grad()  # type: ignore[untyped-decorator]
def looking_back(model: Any) -> None:
    """Let heads of the first layer begin by looking at the same place of the picture before, through the biases of query and key alone.

    To compare pictures place by place is what a language model from nothing finds out last.
    """
    language = model.model.language_model
    attention, rates, pulls = language.layers[0].self_attn, language.rotary_emb.inv_freq, _pulls(language)
    width = attention.head_dim
    for head, back in enumerate(_BACK):
        rows = slice(head * width, (head + 1) * width)
        for projection in (attention.q_proj, attention.k_proj):
            projection.weight[rows] *= _CONTENT
        attention.k_proj.bias[rows] = torch.cat((pulls, torch.zeros_like(pulls)))
        attention.q_proj.bias[rows] = torch.cat((pulls * torch.cos(-rates * back), pulls * torch.sin(-rates * back)))


@torch.no_grad()  # type: ignore[untyped-decorator]
def begin_looking(model: Any) -> None:
    """Give the heads that are shown places keys that say where a token is and little of what it is: a bias that grows from zero takes thousands of steps to
    say so.
    """
    language = model.model.language_model
    attention, pulls = language.layers[LAYER].self_attn, _pulls(language)
    rows = LOOKING * attention.head_dim
    attention.k_proj.weight[:rows] *= _CONTENT
    attention.k_proj.bias[:rows] = torch.cat((pulls, torch.zeros_like(pulls))).repeat(LOOKING)


class Looking:
    """Shows the heads of one layer the place that a question names: the first head in the first picture, the second in the second where there is one."""

    def __init__(self, model: Any, tokenizer: Any, image: int) -> None:
        self.image, self.watch = image, Watch(model, LAYER, 0, LOOKING)
        self.places = torch.full((len(tokenizer),), -1)
        for number, place in enumerate(PLACES):
            for question in (WHAT, *TRAITS.values()):
                tokens = tokenizer.encode(question.format(place))
                if len(tokens) == 1:  # a phrase of its own
                    self.places[tokens[0]] = number

    def loss(self, ids: torch.Tensor, pictures: list[int], grid: tuple[int, int]) -> torch.Tensor | None:
        """Over all questions that name a place; None where there are none. ``ids``: (chats, length); ``pictures``: of each chat."""
        shown = torch.tensor(pictures, device=ids.device)
        self.places = self.places.to(ids.device)
        chats, at = ((self.places[ids] >= 0) & (shown > 0)[:, None]).nonzero(as_tuple=True)
        wanted = torch.stack((torch.zeros_like(chats), (shown[chats] > 1).long()), 1)
        inside = quadrants(grid).to(ids.device)[self.places[ids[chats, at]]]
        return self.watch.away(chats, at, in_pictures(ids, self.image, chats, wanted, inside, grid))


class LookingAtChanges:
    """Shows the heads of a later layer where a pair differs, while its difference is being said: one head in the second picture, one in the last."""

    def __init__(self, model: Any, tokenizer: Any, image: int) -> None:
        self.image, self.watch = image, Watch(model, LAYER_OF_CHANGES, 0, LOOKING)
        self.said: torch.Tensor | None = None  # what the layer has made of all tokens: (chats, length, width)
        model.model.language_model.layers[LAYER_OF_CHANGES].register_forward_hook(self._keep)
        (self.differences,) = tokenizer.encode(DIFFERENCES)

    def _keep(self, _: Any, __: Any, output: Any) -> None:
        self.said = output

    def tokens(self, ids: torch.Tensor, labels: torch.Tensor, differ: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The tokens from which a change of some place is said, after the captions where there are any: of each its chat and its place in it.

        ``ids``, ``labels``: (chats, length); ``differ``: which places differ, (chats, places), bool, False throughout for chats that say no change.
        """
        said = torch.zeros_like(ids, dtype=torch.bool)
        said[:, :-1] = labels[:, 1:] != -100
        ends = ids == self.differences
        captions = ends.any(1)[:, None] & (ends.cumsum(1) == 0)
        chats, at = (said & ~captions & differ.any(1)[:, None]).nonzero(as_tuple=True)
        return chats, at

    def loss(
        self, ids: torch.Tensor, labels: torch.Tensor, pictures: list[int], differ: torch.Tensor, grid: tuple[int, int]
    ) -> torch.Tensor | None:
        """Over those tokens of all chats; None where there are none. ``pictures``: of each chat."""
        chats, at = self.tokens(ids, labels, differ)
        last = torch.tensor(pictures, device=ids.device)[chats] - 1
        inside = (quadrants(grid).to(ids.device)[None] & differ[:, :, None]).any(1)[chats]
        wanted = torch.stack((torch.ones_like(last), last), 1)
        return self.watch.away(chats, at, in_pictures(ids, self.image, chats, wanted, inside, grid))
