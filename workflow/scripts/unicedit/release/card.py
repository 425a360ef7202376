"""The card of a release: what the dataset's own card counts, and what a stranger needs to know before using it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unicedit.card.census import Census
from unicedit.card.readme import Made, front_matter, sections
from unicedit.markdown import plain, table
from unicedit.release.cost import StageCost
from unicedit.release.energy import Energy
from unicedit.taxonomy import Taxonomy
from unicedit.vlm.template import render

_LONGEST = 1000  # signs of what a figure of energy covers


@dataclass(frozen=True, slots=True)
class Facts:
    """What the release itself adds to the card. ``size`` is in bytes, of ``files`` Parquet files; ``terms`` are the marks of the edited pictures by editor;
    ``energy`` holds every figure that there is, ``grid_grams`` the CO2 of a kilowatt-hour where somebody gave it.
    """

    repository: str
    size: int
    files: int
    webdataset: int
    terms: Mapping[str, str]
    deduplicated: bool
    configuration: str
    versions: Mapping[str, str]
    costs: Sequence[StageCost]
    energy: Sequence[Energy]
    grid_grams: float | None


def card(made: Made, census: Census, taxonomy: Taxonomy, targets: Mapping[str, float], facts: Facts) -> str:
    """The text of the release's README.md. Every text from outside is escaped."""
    text = render(
        Path(__file__).with_name("card.jinja"),
        front_matter=front_matter(made, census.total("dataset"), facts.size, "data/train-*.parquet"),
        **sections(made, census, taxonomy, targets),
        facts=facts,
        gigabytes=f"{facts.size / 1e9:,.2f}",
        licence=made.card.licence,
        steps=_steps(made, facts.deduplicated),
        versions=", ".join(f"{plain(name)} {plain(version)}" for name, version in sorted(facts.versions.items())),
        cost_table=_cost_table(facts.costs),
        money=_money(facts.costs),
        energy_table=_energy_table(facts.energy, facts.grid_grams),
    )
    return text.rstrip("\n") + "\n"


def _steps(made: Made, deduplicated: bool) -> list[str]:
    editors = [
        f"{plain(one.name)} ({one.engine}, revision {plain(one.recorded_revision)}, share {one.share:g})" for one in made.edit.editors
    ]
    return [
        f"Sources: library of kind `{made.library}`, decoded to sRGB, centre-cropped and resized; "
        + ("exact, near and mirrored duplicates were left out." if deduplicated else "duplicates were **not** sought."),
        "Prefilter: by the scores named above.",
        f"Instructions: written in English and Chinese by the engine `{made.instruct.engine}` over the sub-tasks of the taxonomy.",
        f"Edits: one pass for each picture and instruction, by {'; '.join(editors)}.",
        f"Verification: by the engine `{made.verify.engine}`; only edits it let pass are here.",
    ]


def _cost_table(costs: Sequence[StageCost]) -> str:
    rows = []
    for cost in costs:
        spent = cost.spent
        asked = (f"{spent.sent:,}", f"{spent.tokens_in + spent.tokens_out:,}") if spent else ("none", "none")
        cpu = "not measured" if cost.cpu_hours is None else f"{cost.cpu_hours:,.3f}"
        rows.append((cost.stage, f"{cost.jobs:,}", f"{cost.hours:,.3f}", cpu, *asked))
    return table(("stage", "jobs", "hours of jobs", "processor hours", "requests to models", "tokens"), rows) if rows else ""


def _money(costs: Sequence[StageCost]) -> str:
    spent = sum(cost.spent.money for cost in costs if cost.spent)
    return f"{spent:,.2f}" if spent else ""


def _energy_table(found: Sequence[Energy], grams: float | None) -> str:
    """Three figures of each number: more would claim what no counter knows."""
    head = ("energy", "kWh", *(["kg CO2"] if grams is not None else []), "of what")
    rows = [
        (one.source, f"{one.kwh:.3g}", *([f"{one.carbon(grams):.3g}"] if grams is not None else []), plain(one.covers, _LONGEST))
        for one in found
    ]
    return table(head, rows) if rows else ""
