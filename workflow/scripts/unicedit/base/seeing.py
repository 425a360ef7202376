"""The first stage: the vision tower learns to name the traits of single pictures. Its heads are kept for the second stage, not in the model."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from unicedit.base.clock import clock_of
from unicedit.base.closeups import close_up_logits, close_ups
from unicedit.base.feed import Feed, Kept, disturbed
from unicedit.base.heads import Heads, loss_of, right
from unicedit.base.model import normalised, token_grid, tokens_of
from unicedit.base.optimizer import optimizers, set_share
from unicedit.base.pictures import PATCH
from unicedit.base.stream import portions
from unicedit.world.scene import PLACES

RATE, ADAM_RATE = 1e-3, 2e-3
WARM = 40  # steps
GROUPS = 6  # in a step
CLOSE_UPS = 160  # for so many groups; they cost about as much as the pictures of a batch


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a stage is: its steps so far, the share of its time that is used, its mean loss of late, and that of close-ups or of the comparing heads."""

    step: int
    share: float
    loss: float
    apart: float = math.nan


# The neighbours that the heads of each layer look at first, in patches down and right; the last layer is left free.
_NEIGHBOURS = (
    ((0, 1), (0, -1), (1, 0), (-1, 0)),
    ((1, 1), (-1, -1), (1, -1), (-1, 1)),
    ((0, 2), (0, -2), (2, 0), (-2, 0)),
)
_PULL = 26.0  # strength of that: about three in the attention's logarithm from one patch to the next


@torch.no_grad()  # type: ignore[untyped-decorator]
def neighbourly(tower: Any) -> None:
    """Let each head begin by looking at one neighbour, as a convolution does, through the biases of query and key alone: with rotary positions
    their product depends on the distance between patches and on nothing else. A tower from nothing otherwise takes long to find out what is near.
    """
    for block, neighbours in zip(tower.blocks, _NEIGHBOURS, strict=False):
        heads, width = block.attn.num_heads, block.attn.head_dim
        query, key, _ = block.attn.qkv.bias.view(3, heads, width)
        turns = tower.rotary_pos_emb.inv_freq[:2]  # the two fastest tell neighbours apart
        quarter = width // 4
        for head, offsets in enumerate(neighbours[:heads]):
            for axis, offset in enumerate(offsets):
                first = axis * quarter
                places = torch.arange(len(turns)) + first
                key[head, places] = _PULL**0.5
                query[head, places] = _PULL**0.5 * torch.cos(turns * offset)
                query[head, places + 2 * quarter] = _PULL**0.5 * torch.sin(turns * offset)


def started(tower: Any, feed: Feed, processor: Any) -> None:
    """Set the patch embedding to the principal components of the pictures' patches, evened out: fine detail is seen from the first step."""
    neighbourly(tower)
    lot = random.Random(0)
    batches = [feed.pictures(batch) for batch, _ in zip(feed.batches(4, lot), range(24), strict=False)]
    patches = torch.cat([normalised(torch.from_numpy(batch).float(), processor) for batch in batches])
    centred = patches - patches.mean(0)
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(centred))
    width = tower.config.hidden_size
    strongest, axes = values[-width:].clamp_min(1e-6), vectors[:, -width:]
    rows = (axes * strongest.pow(-0.35)).T * strongest.mean().pow(0.35) * 0.3
    with torch.no_grad():
        frame = rows.reshape(width, 3, PATCH, PATCH) / 2
        tower.patch_embed.proj.weight.copy_(torch.stack((frame, frame), 2))


def share_of_rate(step: int, share: float, floor: float = 0.02) -> float:
    """Warm-up, then a straight fall to ``floor`` over the last two thirds of the time."""
    return min(1.0, (step + 1) / WARM) * max(floor, min(1.0, 1.5 * (1 - share)))


Shown = tuple[np.ndarray, torch.Tensor]  # pictures and their traits


class _Maker:
    """Makes what a step looks at: close-ups several times, then a batch's whole pictures."""

    def __init__(self, feed: Feed, near: int, close: int) -> None:
        self.feed, self.near, self.close = feed, near, close

    def __call__(self, batch: list[Kept], lot: random.Random, source: np.random.Generator) -> tuple[list[Shown], Shown]:
        near = [close_ups(self.feed, self.close, lot, source) for _ in range(self.near)]
        return near, (disturbed(self.feed.pictures(batch), source), torch.cat([kept.traits for kept in batch]))


def see(
    tower: Any, heads: Heads, feed: Feed, processor: Any, minutes: float, seed: int, groups: int = GROUPS, near: int = 4, workers: int = 0,
    report: Callable[[Progress], None] = lambda _: None,
) -> None:  # fmt: skip
    """Train tower and heads for so many minutes (of this thread's processor time on a CPU: what runs beside it does not shorten it).

    Of ``near + 1`` updates of a step, ``near`` are about close-ups. ``workers`` processes make them.
    """
    chosen, clock = optimizers([tower, heads], RATE, ADAM_RATE), clock_of(tower.device)
    start, mean, apart = clock(), math.nan, math.nan
    shown = portions(feed, groups, _Maker(feed, near, CLOSE_UPS * groups // GROUPS), seed, workers)
    for step, (near_by, whole) in enumerate(shown):
        share = (clock() - start) / (60 * minutes)
        if share >= 1:
            return
        set_share(chosen, share_of_rate(step, share))
        for pictures, traits in near_by:
            lost = loss_of(close_up_logits(tower, heads, pictures, processor), traits) * len(PLACES) / 2
            close = _updated(chosen, lost)
            apart = close if math.isnan(apart) else 0.98 * apart + 0.02 * close
        pictures, traits = whole
        loss = _updated(chosen, loss_of(heads(tokens_of(tower, pictures, processor), token_grid(pictures)), traits))
        mean = loss if math.isnan(mean) else 0.98 * mean + 0.02 * loss
        report(Progress(step + 1, share, mean, apart))


def _updated(chosen: list[torch.optim.Optimizer], loss: torch.Tensor) -> float:
    loss.backward()
    for optimizer in chosen:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return float(loss.item())


@torch.no_grad()  # type: ignore[untyped-decorator]
def measure_seeing(tower: Any, heads: Heads, feed: Feed, processor: Any, seed: int = 0) -> dict[str, float]:
    """The share of right answers by trait, on all groups of a feed."""
    source = np.random.default_rng(seed)
    counts: dict[str, tuple[int, int]] = {}
    for kept in [kept for each in feed.by_size.values() for kept in each]:
        pictures = disturbed(feed.pictures([kept]), source)
        found = right(heads(tokens_of(tower, pictures, processor), token_grid(pictures)), kept.traits)
        for name, (hits, known) in found.items():
            before = counts.get(name, (0, 0))
            counts[name] = before[0] + hits, before[1] + known
    return {name: hits / known for name, (hits, known) in counts.items() if known}
