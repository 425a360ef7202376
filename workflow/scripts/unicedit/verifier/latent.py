"""The differential context inside the model: a residual on the edit's picture tokens, zero at first (design section 8, ``differential: latent``).

    h_e  <-  h_e + P(V(I_e) - V(I_o)),    P(d) = W2 silu(W1 LayerNorm(d)),    W2 = 0 at the start

V is the model's own vision tower with its merger, I_o and I_e are source and edit, h_e = V(I_e). As W2 is zero, the model begins as the stock one, bit for
bit. The residual stands in ``get_image_features`` of the inner model, which trl and generation both go through.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from transformers import Qwen2_5_VLForConditionalGeneration, Qwen3VLForConditionalGeneration
from transformers.conversion_mapping import register_checkpoint_conversion_mapping
from transformers.core_model_loading import WeightRenaming
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLModel
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLModel


class ZeroLinear(nn.Linear):  # type: ignore[misc]
    """A linear layer that starts at zero. A type of its own: transformers takes a parameter for initialised after the first call on its module,
    so zeroing a plain ``nn.Linear`` from its parent's turn would be skipped.
    """


class Differential(nn.Module):  # type: ignore[misc]
    """P: (tokens, width) to (tokens, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.inner = nn.Linear(width, width)
        self.outer = ZeroLinear(width, width)

    def forward(self, difference: torch.Tensor) -> torch.Tensor:
        return self.outer(F.silu(self.inner(self.norm(difference))))


def _on_grid(tokens: torch.Tensor, grid: tuple[int, int], wanted: tuple[int, int]) -> torch.Tensor:
    """Tokens of one picture, (rows * columns, width), resampled bilinearly from one grid to another."""
    if grid == wanted:
        return tokens
    plane = tokens.view(1, *grid, -1).permute(0, 3, 1, 2)
    return F.interpolate(plane, wanted, mode="bilinear").permute(0, 2, 3, 1).reshape(wanted[0] * wanted[1], -1)


class _LatentModel:
    """The inner model with the residual. Pictures come in pairs, source then edit."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)  # type: ignore[call-arg]
        self.differential = Differential(config.vision_config.out_hidden_size)
        self.post_init()  # type: ignore[attr-defined]

    def get_image_features(self, pixel_values: torch.Tensor, image_grid_thw: torch.Tensor | None = None, **options: Any) -> Any:
        """Features of the pictures, (tokens, width) each, with the residual on every second one. Raises ``ValueError`` for an odd number of them."""
        found = super().get_image_features(pixel_values, image_grid_thw, **{**options, "return_dict": True})  # type: ignore[misc]
        features = list(found.pooler_output)
        if len(features) % 2 or image_grid_thw is None:
            raise ValueError(f"a latent verifier looks at pairs of source and edit, not at {len(features)} pictures")
        merge = self.visual.spatial_merge_size  # type: ignore[attr-defined]
        grids = [(int(rows) // merge, int(columns) // merge) for _, rows, columns in image_grid_thw.tolist()]
        edits = features[1::2]
        sources = [_on_grid(features[at], grids[at], grids[at + 1]) for at in range(0, len(features), 2)]
        residuals = self.differential(torch.cat(edits) - torch.cat(sources)).split([len(edit) for edit in edits])
        features[1::2] = [edit + residual for edit, residual in zip(edits, residuals, strict=True)]
        found.pooler_output = tuple(features)
        return found


def _initialise(stock: Any, model: Any, module: nn.Module) -> None:
    if isinstance(module, ZeroLinear):
        nn.init.zeros_(module.weight)
        nn.init.zeros_(module.bias)
    else:
        stock._init_weights(model, module)


class LatentQwen2_5_VLModel(_LatentModel, Qwen2_5_VLModel):  # type: ignore[misc]
    def _init_weights(self, module: nn.Module) -> None:
        _initialise(Qwen2_5_VLModel, self, module)


class LatentQwen2_5_VLForConditionalGeneration(Qwen2_5_VLForConditionalGeneration):  # type: ignore[misc]
    """Qwen2.5-VL with the residual."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.model = LatentQwen2_5_VLModel(config)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        _initialise(Qwen2_5_VLForConditionalGeneration, self, module)


class LatentQwen3VLModel(_LatentModel, Qwen3VLModel):  # type: ignore[misc]
    def _init_weights(self, module: nn.Module) -> None:
        _initialise(Qwen3VLModel, self, module)


class LatentQwen3VLForConditionalGeneration(Qwen3VLForConditionalGeneration):  # type: ignore[misc]
    """Qwen3-VL with the residual; the features that go into its early layers (deepstack) stay as they are."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.model = LatentQwen3VLModel(config)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        _initialise(Qwen3VLForConditionalGeneration, self, module)


# transformers maps the names in published checkpoints to those of modules by CLASS NAME. Without this line the language model of a stock checkpoint would
# stay random in the subclass, with no more than a report. The stock pattern alone would take the residual for a part of the language model.
register_checkpoint_conversion_mapping(
    "LatentQwen2_5_VLForConditionalGeneration",
    [
        WeightRenaming(source_patterns=r"^visual", target_patterns="model.visual"),
        WeightRenaming(source_patterns=r"^model(?!\.(language_model|visual|differential))", target_patterns="model.language_model"),
    ],
    overwrite=True,
)

LATENT: dict[str, Any] = {"qwen2_5_vl": LatentQwen2_5_VLForConditionalGeneration, "qwen3_vl": LatentQwen3VLForConditionalGeneration}
