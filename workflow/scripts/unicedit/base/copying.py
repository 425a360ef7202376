"""Where copied words come from: in training, heads of the language model are shown the words that an answer repeats from its question.

A head of the first layer is shown the token before each token, and one of the last the token of the question that is said next: it follows the one that was
said last. So a language model repeats what it is told, whatever it is; from texts alone a small one learns that late.
"""

from typing import Any

import torch

from unicedit.base.watch import Watch

BEFORE, SOURCE = (0, 3), (3, 0)  # layer and head; no head is shown anything else too


class Copying:
    """How far the two heads look elsewhere, over the chats of text lessons."""

    def __init__(self, model: Any, image: int) -> None:
        self.image = image
        self.before, self.source = (Watch(model, layer, head, 1) for layer, head in (BEFORE, SOURCE))

    def loss(self, ids: torch.Tensor, labels: torch.Tensor, texts: torch.Tensor, pad: int) -> torch.Tensor | None:
        """None where there is nothing to look at. ``ids``, ``labels``: (chats, length); ``texts``: which chats are text lessons, (chats,), bool."""
        losses = [
            self.before.away(*preceding(ids, (ids != pad) & (ids != self.image) & texts[:, None])),
            self.source.away(*repeated(ids, labels, texts)),
        ]
        found = [loss for loss in losses if loss is not None]
        return torch.stack(found).sum() if found else None


def preceding(ids: torch.Tensor, words: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of every word that follows a word: its chat, its place, and the one before it, as ``Watch.away`` takes them. ``words``: (chats, length), bool."""
    follows = words.clone()
    follows[:, 1:] &= words[:, :-1]
    follows[:, 0] = False
    chats, at = follows.nonzero(as_tuple=True)
    return chats, at, (torch.arange(ids.shape[1], device=ids.device) == at[:, None] - 1)[:, None]


def repeated(ids: torch.Tensor, labels: torch.Tensor, texts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of every token from which an answer goes on with a token of its question: its chat, its place, and where in the question that token stands, after the
    same token as here (at an answer's start, after any). What is nowhere in the question is left out.
    """
    following = torch.full_like(ids, -100)
    following[:, :-1] = labels[:, 1:]
    previous = torch.full_like(ids, -1)
    previous[:, 1:] = ids[:, :-1]
    chats, at = ((following != -100) & texts[:, None]).nonzero(as_tuple=True)
    same = (ids[chats] == following[chats, at][:, None]) & (labels[chats] == -100)
    same &= torch.arange(ids.shape[1], device=ids.device) <= at[:, None]
    starts = labels[chats, at] == -100
    same &= (previous[chats] == ids[chats, at][:, None]) | starts[:, None]
    known = same.any(1)
    return chats[known], at[known], same[known][:, None]
