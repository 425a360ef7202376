"""The trained verifiers of Table 5: what each starts from, what it learns from, and which settings differ from the run's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from unicedit.errors import PipelineError
from unicedit.evaluation.rows import LENGTHS, ROWS

Stage = Literal["sft", "d2po"]
WITHHELD = 0.3  # share of the rows asked without the instruction
WORDINGS = 3  # right wordings of a pair; the world's grammar has two or three of each operation
TRIAL = "trial-"  # begins the name of a run that tries a learning rate


@dataclass(frozen=True, slots=True)
class Variant:
    """``parent`` is the variant whose model it starts from (None: the base), ``data`` the file of results/verifier/data; ``changes`` are settings of the stage."""

    stage: Stage
    parent: str | None
    data: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    no_cv: bool = False  # trained and read without the visual differential context
    whole: bool = False  # makes the updates of SFT and D2PO together
    sigmoid_alone: bool = False
    rate_of: str | None = None  # takes the learning rate that this variant's trials chose, and makes none of its own


VARIANTS: dict[str, Variant] = {
    "sft": Variant("sft", None, "sft"),
    "d2po": Variant("d2po", "sft", "d2po"),
    "control": Variant("d2po", "sft", "d2po", {"losses": {"sft": 1.0}}),
    "sft_hallucination": Variant("sft", None, "both", {"kinds": ["normal", "no_edit", "hallucination"]}, whole=True),
    "sft_no_cv": Variant("sft", None, "sft", no_cv=True),
    "d2po_no_cv": Variant("d2po", "sft_no_cv", "d2po", no_cv=True),
    "d2po_sigmoid": Variant("d2po", "sft", "d2po", {"losses": {"sigmoid": 1.0}}, sigmoid_alone=True),
    # the search: the instruction withheld in a part of both trainings, and both ends of the claim at other lengths
    "sft_withheld": Variant("sft", None, "sft", {"withheld": WITHHELD}),
    "d2po_withheld": Variant("d2po", "sft_withheld", "d2po", {"withheld": WITHHELD}),
    "control_withheld": Variant("d2po", "sft_withheld", "d2po", {"withheld": WITHHELD, "losses": {"sft": 1.0}}),
    # and pairs whose right reply is not one alone: several wordings, equal or ranked
    "d2po_wordings": Variant("d2po", "sft", "d2po", {"wordings": WORDINGS}),
    "d2po_ranked": Variant("d2po", "sft", "d2po", {"wordings": WORDINGS, "ranked": True}),
    # and pairs as the paper has them, whose rejected replies all claim a change
    "d2po_claimed": Variant("d2po", "sft", "d2po", {"unchanged": 0.0}),
    **{
        f"{name}_{steps}": Variant("d2po", "sft", "d2po", {"steps": steps, "epochs": None, **changes}, rate_of=name)
        for steps in LENGTHS
        for name, changes in (("d2po", {}), ("control", {"losses": {"sft": 1.0}}))
    },
}


def training_settings(variant: str, run: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of one training: the sections ``verifier`` and ``sft`` or ``d2po``, from all of a configuration's.

    ``run`` is a seed (``3``), which seeds the order of the rows, or a trial of a learning rate (``trial-1``), made with seed 0. A seed's learning rate is the one its
    trials chose (``with_rate``); where there is one factor alone, there is nothing to try.
    """
    one = VARIANTS[variant]
    section = {**values[one.stage], **one.changes}
    if one.sigmoid_alone:
        section["learning_rate"] = section["learning_rate"] * values["table5"]["sigmoid_rate"]
    if one.whole:
        section |= _whole(values)
    factors = values["table5"]["rate_factors"]
    trial = int(run.removeprefix(TRIAL)) if run.startswith(TRIAL) else 0 if len(factors) == 1 else None
    section["seed"] = 0 if run.startswith(TRIAL) else int(run)
    if trial is not None:
        section["learning_rate"] = section["learning_rate"] * factors[trial]
    verifier = {**values["verifier"], **({"differential": "none"} if one.no_cv else {})}
    return {one.stage: section, "verifier": verifier}


def _whole(values: Mapping[str, Any]) -> dict[str, Any]:
    steps = [values[stage]["steps"] for stage in ("sft", "d2po")]
    if None in steps:
        raise PipelineError(
            "config: sft.steps and d2po.steps: the full Table 5 compares trainings of equal length, so both must be numbers"
        )
    return {"steps": sum(steps), "epochs": None}


def with_rate(settings: Mapping[str, Any], factor: float) -> dict[str, Any]:
    """A training's settings with its learning rate multiplied."""
    return {
        name: {**section, "learning_rate": section["learning_rate"] * factor} if name in ("sft", "d2po") else section
        for name, section in settings.items()
    }


def trained_variants(rows: Sequence[str]) -> list[str]:
    """The variants that rows of the table need, those they start from included."""
    found: list[str] = []
    for row in rows:
        name: str | None = ROWS[row].variant
        while name in VARIANTS and name not in found:
            found.append(name)
            name = VARIANTS[name].parent
    return found


def best_factor(points: Sequence[float], factors: Sequence[float]) -> float:
    """The factor with the most points on validation; among equals the one nearest to 1, then the smaller."""
    import math

    if len(points) != len(factors):
        raise ValueError(f"{len(points)} trials and {len(factors)} factors")
    return min(zip(points, factors, strict=True), key=lambda pair: (-round(pair[0], 9), abs(math.log(pair[1])), pair[1]))[1]
