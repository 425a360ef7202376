"""The base model's card: what it is, how it was made, and what it does right on photographs it has not seen."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unicedit.base.feed import Feed
from unicedit.base.measure import measure
from unicedit.base.saying import QUESTIONS
from unicedit.base.seeing import measure_seeing
from unicedit.base.training import Machine, Trainee
from unicedit.vlm.template import render
from unicedit.world.photos import PHOTOS
from unicedit.world.splits import TEST, TRAIN, VALIDATION

_TEMPLATE = Path(__file__).with_name("card.jinja")


def write_card(trainee: Trainee, feeds: Mapping[str, Feed], folder: Path) -> dict[str, dict[str, tuple[float, int]]]:
    """Measure on the feeds by name and write ``README.md``; the shares of right answers and their numbers, by feed and kind."""
    pictures = trainee.processor.image_processor
    found: dict[str, dict[str, tuple[float, int]]] = {}
    seeing: dict[str, dict[str, float]] = {}
    for name, feed in feeds.items():
        # Held-out compositions are kept apart: what they cost shows whether the model learned colours and kinds, or pairs by heart.
        for part, held in ((name, False), (f"{name}, held-out compositions", True)):
            found[part] = measure(trainee.model, feed, pictures, trainee.tokenizer, held=held)
        seeing[name] = measure_seeing(trainee.model.model.visual, trainee.heads, feed, pictures)
    rope = trainee.model.config.text_config.rope_parameters
    text = render(
        _TEMPLATE,
        parameters=sum(weight.numel() for weight in trainee.model.parameters()),
        rope=f"{rope['rope_theta']:g}",
        sections=rope["mrope_section"],
        questions=QUESTIONS,
        seeing_scenes=Machine(scenes=trainee.log.scenes).seen,
        log=trainee.log,
        accuracy=_rows(found),
        parts=list(found),
        seeing=_rows({name: {trait: (share, 0) for trait, share in traits.items()} for name, traits in seeing.items()}),
        seen=list(seeing),
        train=[PHOTOS[name].en for name in TRAIN],
        validation=[PHOTOS[name].en for name in VALIDATION],
        test=[PHOTOS[name].en for name in TEST],
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
    return found


def _rows(found: Mapping[str, Mapping[str, tuple[float, int]]]) -> list[dict[str, Any]]:
    names = sorted({name for kinds in found.values() for name in kinds})
    rows = []
    for name in names:
        shares = [kinds.get(name) for kinds in found.values()]
        cells = ["–" if share is None else f"{share[0]:.3f}" + (f" of {share[1]}" if share[1] else "") for share in shares]
        rows.append({"name": name, "cells": cells})
    return rows
