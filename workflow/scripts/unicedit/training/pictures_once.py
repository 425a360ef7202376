"""The two replies of a pair are about the same pictures: the vision tower looks at them one time.

trl computes every pair's pictures twice, once for the preferred reply and once for the rejected one. Here the collator gives them once, and the tower's
output is given to both. Values and gradients are the same; the tower's work and its activations are halved.
"""

from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch


def pictures_once(model: Any) -> None:
    """Have ``model`` (a ``PreTrainedModel`` with a vision tower ``model.model.visual``) take pictures of half of its ``image_grid_thw`` for both halves."""
    tower = model.model.visual
    forward = tower.forward

    def once(hidden_states: torch.Tensor, grid_thw: torch.Tensor, **options: Any) -> Any:
        patches = int(grid_thw.prod(-1).sum())
        if hidden_states.shape[0] == patches:
            return forward(hidden_states, grid_thw, **options)
        if 2 * hidden_states.shape[0] != patches:
            raise ValueError(f"{hidden_states.shape[0]} patches are neither all nor half of the {patches} that the grids say")
        return _twice(forward(hidden_states, grid_thw[: len(grid_thw) // 2], **options))

    tower.forward = once


def _twice(value: Any) -> Any:
    """A tower's output for both halves: every tensor in it, (patches or tokens, width), after itself."""
    if isinstance(value, torch.Tensor):
        return torch.cat([value, value])
    if isinstance(value, list | tuple):
        return type(value)(_twice(one) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{field.name: _twice(getattr(value, field.name)) for field in fields(value) if getattr(value, field.name) is not None}
        )
    return value
