"""Faster forms of Qwen2.5-VL's layers on a CPU: the same weights, the same values to rounding. ``enable()`` puts them in for the whole process.

The stock vision tower embeds patches by a 3-d convolution and attends picture by picture; on a CPU a matrix product and one batched attention over
pictures of one size take a fraction of the time, and do no harm elsewhere. Anything else goes the stock way.
"""

from typing import Any

import torch
import torch.nn.functional as F
from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl as stock

_embed = stock.Qwen2_5_VisionPatchEmbed.forward
_attend = stock.Qwen2_5_VLVisionAttention.forward
_norm = stock.Qwen2_5_VLRMSNorm.forward


def enable() -> None:
    """Use the fast forms from now on, for every model of this process."""
    stock.Qwen2_5_VisionPatchEmbed.forward = _fast_embed
    stock.Qwen2_5_VLVisionAttention.forward = _fast_attend
    stock.Qwen2_5_VLRMSNorm.forward = _fast_norm


def disable() -> None:
    """Back to the stock forms."""
    stock.Qwen2_5_VisionPatchEmbed.forward = _embed
    stock.Qwen2_5_VLVisionAttention.forward = _attend
    stock.Qwen2_5_VLRMSNorm.forward = _norm


def _fast_embed(self: Any, hidden_states: torch.Tensor) -> torch.Tensor:
    """A convolution whose kernel is its stride is a matrix product. Patches of one frame stand for a picture's two equal frames."""
    weight = self.proj.weight
    flat = hidden_states.to(weight.dtype).reshape(hidden_states.shape[0], -1)
    if flat.shape[1] * 2 == weight[0].numel():
        return F.linear(flat, weight.sum(2).reshape(self.embed_dim, -1))
    return F.linear(flat, weight.reshape(self.embed_dim, -1))


def _fast_attend(
    self: Any,
    hidden_states: torch.Tensor,
    cu_seqlens: torch.Tensor,
    position_embeddings: tuple[torch.Tensor, torch.Tensor] | None = None,
    max_seqlen: int | None = None,
    **kwargs: Any,
) -> torch.Tensor:
    lengths = cu_seqlens[1:] - cu_seqlens[:-1]
    count, length = len(lengths), int(lengths[0])
    even = bool((lengths == length).all())
    if self.config._attn_implementation != "sdpa" or not even or position_embeddings is None:
        return _attend(self, hidden_states, cu_seqlens, position_embeddings=position_embeddings, max_seqlen=max_seqlen, **kwargs)
    rows = hidden_states.shape[0]
    query, key, value = self.qkv(hidden_states).reshape(rows, 3, self.num_heads, -1).unbind(1)
    query, key = stock.apply_rotary_pos_emb_vision(query, key, *position_embeddings)
    query, key, value = (each.reshape(count, length, self.num_heads, -1).transpose(1, 2) for each in (query, key, value))
    attended = F.scaled_dot_product_attention(query, key, value, scale=self.scaling)
    return self.proj(attended.transpose(1, 2).reshape(rows, -1))


def _fast_norm(self: Any, hidden_states: torch.Tensor) -> torch.Tensor:
    if hidden_states.dtype != torch.float32 or hidden_states.device.type != "cpu":
        return _norm(self, hidden_states)
    return F.rms_norm(hidden_states, (hidden_states.shape[-1],), self.weight, self.variance_epsilon)
