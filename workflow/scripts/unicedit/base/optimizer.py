"""Muon for matrices, Adam for the rest: fewer steps to the same loss than Adam alone, which counts on a CPU."""

from collections.abc import Iterable

import torch
from torch import nn


def orthogonal(matrix: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """The matrix with its singular values brought near one (Newton-Schulz; Jordan et al., Muon, 2024); float32."""
    wide = matrix.shape[0] <= matrix.shape[1]
    x = matrix if wide else matrix.T
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        square = x @ x.T
        x = 3.4445 * x + (-4.775 * square + 2.0315 * square @ square) @ x
    return x if wide else x.T


class Muon(torch.optim.Optimizer):  # type: ignore[misc]
    """Momentum, orthogonalised, for weight matrices. ``lr`` is the root mean square of an update's entries, as with Adam."""

    def __init__(self, params: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                grad = weight.grad.reshape(weight.shape[0], -1)
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(grad)
                kept = state["momentum"].mul_(group["momentum"]).add_(grad)
                update = orthogonal(grad + group["momentum"] * kept)
                update *= max(update.shape) ** 0.5
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(update.reshape(weight.shape), alpha=-group["lr"])


def optimizers(modules: Iterable[nn.Module], lr: float, adam_lr: float, weight_decay: float = 0.01) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside blocks, Adam for embeddings, heads, norms and biases."""
    matrices: dict[int, nn.Parameter] = {}
    large: dict[int, nn.Parameter] = {}
    others: dict[int, nn.Parameter] = {}
    for module in modules:
        for name, weight in module.named_parameters():
            inner = weight.ndim == 2 and ("blocks." in name or "layers." in name)
            # The merger's square matrix would cost as much as all others together.
            (matrices if inner else large if "merger.mlp" in name else others)[id(weight)] = weight
    slow = {"params": list(large.values()), "lr": adam_lr / 2}
    return [
        Muon(list(matrices.values()), lr, weight_decay=weight_decay),
        torch.optim.AdamW([{"params": list(others.values())}, slow], adam_lr, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def set_share(chosen: Iterable[torch.optim.Optimizer], share: float) -> None:
    """All learning rates at a share of what they were given at first."""
    for optimizer in chosen:
        for group in optimizer.param_groups:
            group["lr"] = group.setdefault("first_lr", group["lr"]) * share
