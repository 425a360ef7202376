"""What heads of the language model attend to, so that a training can show them what they should."""

from typing import Any

import torch
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import apply_rotary_pos_emb


class Watch:
    """Keeps what a layer's attention is given, and says how far some of its heads look elsewhere than they should."""

    def __init__(self, model: Any, layer: int, first: int, heads: int) -> None:
        self.attention = model.model.language_model.layers[layer].self_attn
        self.first, self.heads = first, heads
        self.given: tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]] | None = None
        self.attention.register_forward_pre_hook(self._keep, with_kwargs=True)

    def _keep(self, _: Any, __: Any, named: dict[str, Any]) -> None:
        self.given = named["hidden_states"], named["position_embeddings"]

    def away(self, chats: torch.Tensor, at: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor | None:
        """Mean negative logarithm of the attention on what should be looked at, over all queries and heads; None where there are none.

        ``chats``, ``at``: of each query its chat and its token; ``wanted``: the tokens to look at, (queries, heads, length) or for all heads the same
        (queries, 1, length), bool, none of them after the query's own.
        """
        if self.given is None or not len(chats):
            return None
        hidden, (cos, sin) = self.given
        width = self.attention.head_dim
        rows = slice(self.first * width, (self.first + self.heads) * width)
        query, key = (
            torch.nn.functional.linear(hidden, one.weight[rows], one.bias[rows]).unflatten(-1, (self.heads, width)).transpose(1, 2)
            for one in (self.attention.q_proj, self.attention.k_proj)
        )
        query, key = apply_rotary_pos_emb(query, key, cos, sin)
        scores = (query @ key.transpose(2, 3))[chats, :, at] * self.attention.scaling
        scores = scores.masked_fill((torch.arange(scores.shape[2], device=scores.device) > at[:, None])[:, None], -torch.inf)
        return (torch.logsumexp(scores, 2) - torch.logsumexp(scores.masked_fill(~wanted, -torch.inf), 2)).mean()


def in_pictures(
    ids: torch.Tensor, image: int, chats: torch.Tensor, wanted: torch.Tensor, inside: torch.Tensor, grid: tuple[int, int]
) -> torch.Tensor:
    """Tokens of pictures that queries should look at, as ``Watch.away`` takes them: (queries, heads, length).

    ``ids``: (chats, length), of which ``image`` are pictures'; ``chats``: of each query its chat; ``wanted``: the picture each head should look at,
    (queries, heads); ``inside``: the tokens of that picture, (queries, rows * columns), bool.
    """
    each = grid[0] * grid[1]
    shown = ids == image
    count = shown.cumsum(1) - 1
    picture, cell = count.div(each, rounding_mode="floor"), count.clamp_min(0) % each
    there = inside.gather(1, cell[chats]) & shown[chats]
    return there[:, None] & (picture[chats][:, None] == wanted[:, :, None])
