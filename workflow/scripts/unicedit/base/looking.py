"""Where questions about a place look: in training, heads of the language model are shown the place in the pictures.

A question names a place in words, and the picture's tokens know theirs by M-RoPE alone. To find the one by the other is what a small language model learns last, and
everything else waits for it.
"""

from typing import Any

import torch
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import apply_rotary_pos_emb

from unicedit.base.lessons import TRAITS, WHAT
from unicedit.world.scene import PLACES

LAYER, LOOKING = 1, 2  # the layer, and how many of its heads: one for the first picture, one for the second


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


# Keys of the heads that are shown places begin as position alone, strong enough that a query soon tells places apart.
_PULL, _CONTENT = 3.0, 0.1


@torch.no_grad()  # type: ignore[untyped-decorator]
def begin_looking(model: Any) -> None:
    """Give the heads keys that say where a token is and little of what it is: a bias that grows from zero takes thousands of steps to say so."""
    attention = model.model.language_model.layers[LAYER].self_attn
    rows, half = LOOKING * attention.head_dim, attention.head_dim // 2
    attention.k_proj.weight[:rows] *= _CONTENT
    attention.k_proj.bias[:rows] = torch.cat((torch.full((half,), _PULL), torch.zeros(half))).repeat(LOOKING)


class Looking:
    """Keeps what one layer's attention is given, and says how far its first heads look elsewhere than a question's place."""

    def __init__(self, model: Any, tokenizer: Any, image: int) -> None:
        self.attention = model.model.language_model.layers[LAYER].self_attn
        self.image = image
        self.given: tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]] | None = None
        self.places = torch.full((len(tokenizer),), -1)
        for number, place in enumerate(PLACES):
            for question in (WHAT, *TRAITS.values()):
                tokens = tokenizer.encode(question.format(place))
                if len(tokens) == 1:  # a phrase of its own
                    self.places[tokens[0]] = number
        self.attention.register_forward_pre_hook(self._keep, with_kwargs=True)

    def _keep(self, _: Any, __: Any, named: dict[str, Any]) -> None:
        self.given = named["hidden_states"], named["position_embeddings"]

    def loss(self, ids: torch.Tensor, pictures: list[int], grid: tuple[int, int]) -> torch.Tensor | None:
        """Mean negative logarithm of the attention on the place, over all questions; None where there are none.

        ``ids``: (chats, length); ``pictures``: of each chat. The first head looks at the first picture, the second at the second where there is one.
        """
        shown = torch.tensor(pictures, device=ids.device)
        self.places = self.places.to(ids.device)
        chats, at = ((self.places[ids] >= 0) & (shown > 0)[:, None]).nonzero(as_tuple=True)
        if self.given is None or not len(chats):
            return None
        hidden, (cos, sin) = self.given
        width = self.attention.head_dim
        query, key = (
            torch.nn.functional.linear(hidden, one.weight[: LOOKING * width], one.bias[: LOOKING * width])
            .unflatten(-1, (LOOKING, width))
            .transpose(1, 2)
            for one in (self.attention.q_proj, self.attention.k_proj)
        )
        query, key = apply_rotary_pos_emb(query, key, cos, sin)
        scores = torch.einsum("qhw,qhlw->qhl", query[chats, :, at], key[chats]) * self.attention.scaling
        scores = scores.masked_fill((torch.arange(ids.shape[1], device=ids.device) > at[:, None])[:, None], -torch.inf)
        each = grid[0] * grid[1]
        count = (ids == self.image).cumsum(1) - 1
        picture, cell = count.div(each, rounding_mode="floor"), count.clamp_min(0) % each
        inside = quadrants(grid).to(ids.device)[self.places[ids[chats, at]]].gather(1, cell[chats]) & (ids == self.image)[chats]
        wanted = torch.stack((torch.zeros_like(chats), (shown[chats] > 1).long()), 1)
        mask = inside[:, None] & (picture[chats][:, None] == wanted[:, :, None])
        on = torch.logsumexp(scores.masked_fill(~mask, -torch.inf), 2) - torch.logsumexp(scores, 2)
        return -on.mean()
