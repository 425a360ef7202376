"""What is learned beside the texts: to name every trait of a picture, and what differs from another, by simple heads that are thrown away afterwards."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from unicedit.world.look import GRAINS, STYLES, TONES, VIEWS
from unicedit.world.outcome import SPOILS
from unicedit.world.photos import PHOTOS
from unicedit.world.scene import COLOURS, EXPRESSIONS, KINDS, MATERIALS, PLACES, POSES, SIZES, TEXTURES, WORDS, Scene, Thing

UNKNOWN = -100  # what a picture does not show, or what the place has not

THING = {
    "kind": ("none", *KINDS), "colour": COLOURS, "material": MATERIALS, "texture": TEXTURES, "size": SIZES, "pose": POSES,
    "count": (1, 2, 3), "expression": EXPRESSIONS, "hat": (False, True), "word": WORDS,
}  # fmt: skip
LOOK = {
    "style": ("photo", *STYLES), "tone": ("natural", *TONES), "view": ("front", *VIEWS[:2]), "zoom": ("none", "in", "out"),
    "blurred": (False, True), "grain": ("none", *GRAINS), "tint": ("none", *COLOURS), "white": (False, True), "spoil": ("", *SPOILS),
    "photo": tuple(PHOTOS),
}  # fmt: skip
_COLOURLESS = ("grey", "sepia")


def traits_of(scene: Scene, spoil: str = "") -> list[int]:
    """The numbers of a picture's traits: of the thing at each place, then of the look. ``UNKNOWN`` for what cannot be seen."""
    look = scene.look
    numbers: list[int] = []
    for place in PLACES:
        numbers += _of_thing(scene.at(_visible(place) if look.view == "mirror" else place), scene)
    values = {
        "style": look.style, "tone": look.tone, "view": look.view, "zoom": look.zoom, "blurred": look.blurred, "grain": look.grain,
        "tint": look.tint, "white": scene.white, "spoil": spoil, "photo": scene.backdrop.photo if scene.backdrop else None,
    }  # fmt: skip
    if scene.white:
        values |= {"photo": None, "blurred": None}
    return numbers + [options.index(values[name]) if values[name] in options else UNKNOWN for name, options in LOOK.items()]


def _visible(place: str) -> str:
    row, side = place.split()
    return f"{row} {'right' if side == 'left' else 'left'}"


def _of_thing(thing: Thing | None, scene: Scene) -> list[int]:
    if thing is None:
        return [0] + [UNKNOWN] * (len(THING) - 1)
    numbers = [options.index(getattr(thing, name)) if getattr(thing, name) in options else UNKNOWN for name, options in THING.items()]
    names = list(THING)
    hidden = [name for name in ("expression", "hat") if thing.kind != "person"]
    if scene.look.style == "pencil" or scene.look.tone in _COLOURLESS:
        hidden.append("colour")
    if scene.look.view == "mirror" and thing.pose in ("left", "right"):
        hidden.append("pose")
    for name in hidden:
        numbers[names.index(name)] = UNKNOWN
    return numbers


class Heads(nn.Module):  # type: ignore[misc]
    """Names traits from a picture's tokens: each place looks for its tokens by content and position, then classifies linearly."""

    LOOKS = 3  # attention patterns a place

    def __init__(self, width: int, compares: bool = False) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(width, elementwise_affine=False)
        spots = len(PLACES) + 1
        self.content = nn.Linear(width, spots * self.LOOKS)
        self.position = nn.Sequential(nn.Linear(2, 32), nn.GELU(), nn.Linear(32, spots * self.LOOKS))
        self.thing = nn.Linear(width * self.LOOKS, sum(map(len, THING.values())))
        self.look = nn.Linear(width * self.LOOKS, sum(map(len, LOOK.values())))
        self.alone = nn.Linear(width, self.LOOKS)
        self.differs = nn.Linear(width * self.LOOKS, 2) if compares else None
        self.told = nn.Linear(width, len(PLACES) + 2 * sum(map(len, THING.values()))) if compares else None

    def forward(self, tokens: torch.Tensor, size: tuple[int, int]) -> list[torch.Tensor]:
        """Logits of each trait in the order of ``traits_of``, each (pictures, options); ``tokens``: (pictures, rows * columns, width).

        With ``compares`` also whether each place, and the look, differs from another picture, as ``differing`` tells it.
        """
        tokens = self.norm(tokens)
        rows, columns = size
        y, x = torch.meshgrid(*(torch.linspace(-1, 1, count, device=tokens.device) for count in (rows, columns)), indexing="ij")
        scores = self.content(tokens) + 3 * self.position(torch.stack((x.flatten(), y.flatten()), 1))
        pooled = torch.einsum("bts,btw->bsw", scores.softmax(1), tokens)
        spots = pooled.reshape(len(tokens), len(PLACES) + 1, -1)
        logits = [part for place in range(len(PLACES)) for part in self.thing(spots[:, place]).split([len(o) for o in THING.values()], 1)]
        logits += self.look(spots[:, -1]).split([len(options) for options in LOOK.values()], 1)
        return logits if self.differs is None else logits + list(self.differs(spots).unbind(1))

    def said(self, hidden: torch.Tensor) -> list[torch.Tensor]:
        """With ``compares``: logits of what ``changed_thing`` tells, from what the language model has made of an answer's tokens; (tokens, width)."""
        assert self.told is not None
        options = [len(each) for each in THING.values()]
        return list(self.told(self.norm(hidden)).split([len(PLACES), *options, *options], 1))

    def thing_alone(self, tokens: torch.Tensor) -> list[torch.Tensor]:
        """Logits of a thing's traits from a close-up of it, by the same classifier; ``tokens``: (pictures, tokens, width)."""
        tokens = self.norm(tokens)
        pooled = torch.einsum("bts,btw->bsw", self.alone(tokens).softmax(1), tokens)
        return list(self.thing(pooled.flatten(1)).split([len(options) for options in THING.values()], 1))


def differing(before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    """0 or 1 for each place and for the look: whether a trait that both pictures show is another. (pictures, traits) twice to (pictures, 5)."""
    other = (before != after) & (before != UNKNOWN) & (after != UNKNOWN)
    return torch.stack([part.any(1) for part in other.split([len(THING)] * len(PLACES) + [len(LOOK)], 1)], 1).long()


def changed_thing(before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    """Where two pictures differ in one place alone, that place, and the thing's traits there before and after; all ``UNKNOWN`` elsewhere.

    (pictures, traits) twice to (pictures, 1 + 2 * traits of a thing).
    """
    places, width = differing(before, after)[:, : len(PLACES)], len(THING)
    place = places.argmax(1)
    columns = (place * width)[:, None] + torch.arange(width)
    found = torch.cat((place[:, None], before.gather(1, columns), after.gather(1, columns)), 1)
    found[places.sum(1) != 1] = UNKNOWN
    return found


def loss_of(logits: Sequence[torch.Tensor], traits: torch.Tensor) -> torch.Tensor:
    """Mean over traits of the cross-entropy where the trait is known; ``traits``: (pictures, traits)."""
    losses, traits = [], traits.to(logits[0].device)
    for place, part in enumerate(logits):
        known = traits[:, place] != UNKNOWN
        if known.any():
            losses.append(F.cross_entropy(part[known], traits[known, place], reduction="sum") / len(traits))
    return torch.stack(losses).sum() / len(PLACES)


def right(logits: Sequence[torch.Tensor], traits: torch.Tensor) -> dict[str, tuple[int, int]]:
    """How many of each trait are right, and how many are known; the same trait of all places together."""
    names = [name for _ in PLACES for name in THING] + list(LOOK)
    counts: dict[str, tuple[int, int]] = {}
    for name, part, truth in zip(names, logits, traits.to(logits[0].device).T, strict=True):
        known = truth != UNKNOWN
        hits = int((part.argmax(1)[known] == truth[known]).sum())
        before = counts.get(name, (0, 0))
        counts[name] = before[0] + hits, before[1] + int(known.sum())
    return counts
