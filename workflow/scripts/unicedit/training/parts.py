"""The parts that samples are made in: of the simulated world a stretch of one split and purpose, of a run one of its shards.

Snakemake asks for them whenever it reads the Snakefile, so nothing heavy is imported here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from unicedit.config.samples import KindCounts, SamplesSettings, WorldSampleSettings
from unicedit.errors import PipelineError
from unicedit.files import sha256_of_file


@dataclass(frozen=True, slots=True)
class Stretch:
    """Samples number ``start`` to ``stop`` of a section (``sft``, ``d2po``, ``validation``, ``test``), the section's ``block``-th part."""

    section: str
    block: int
    start: int
    stop: int


SECTIONS = ("sft", "d2po", "validation", "test")


def counts_of(settings: WorldSampleSettings, section: str) -> KindCounts:
    """How many samples of each kind a section has."""
    counts: KindCounts = getattr(settings, section)
    return counts


def stretches(settings: SamplesSettings) -> Iterator[Stretch]:
    """The world's parts in order; more samples in a section make its last part longer and add parts after it."""
    for section in SECTIONS:
        total = counts_of(settings.world, section).total
        for block, start in enumerate(range(0, total, settings.part_size)):
            yield Stretch(section, block, start, min(total, start + settings.part_size))


def part_names(settings: SamplesSettings, shards: Sequence[str]) -> list[str]:
    """The parts' names, five digits each: of the world numbered on, of a run its shards."""
    if settings.source == "run":
        return list(shards)
    return [f"{number:05d}" for number, _ in enumerate(stretches(settings))]


def review_of(settings: SamplesSettings) -> dict[str, str] | None:
    """Path and content of the review file, so that the training data is made again when someone has reviewed more; None without one.

    Raises ``PipelineError`` where the file is not there.
    """
    if settings.review is None:
        return None
    path = Path(settings.review)
    if not path.is_file():
        raise PipelineError(
            f"config: samples.review = {settings.review!r}: no such file; `make review-settle` or `review_samples.py import` writes it"
        )
    return {"path": str(path), "sha256": sha256_of_file(path)}
