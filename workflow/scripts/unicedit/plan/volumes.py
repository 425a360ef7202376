"""How many rows each stage is given and gives: the library's pictures through the expected (or measured) shares."""

from collections.abc import Mapping
from dataclasses import dataclass

from unicedit.config.model import Config
from unicedit.plan.measured import Measured
from unicedit.training.parts import SECTIONS, counts_of


@dataclass(frozen=True, slots=True)
class Volume:
    """Rows given to a stage, rows of its tables, and those of them that go on."""

    given: float
    rows: float
    ok: float


def _through(given: float, measured: Measured | None, rows_of: float, ok: float) -> Volume:
    """A stage's volume: ``rows_of`` rows a given one, of which the share ``ok`` goes on, unless a run has measured both."""
    if measured is not None:
        rows_of, ok = measured.rows_of, measured.ok
    return Volume(given, given * rows_of, given * rows_of * ok)


def volumes(config: Config, pictures: int, measured: Mapping[str, Measured]) -> dict[str, Volume]:
    """The volumes of the stages from ingest to assemble."""
    shares, counts = config.plan.shares, config.instruct.per_image
    ingest = _through(pictures, measured.get("ingest"), 1.0, shares.ingest)
    prefilter = _through(ingest.ok, measured.get("prefilter"), 1.0, shares.prefilter)
    instruct = _through(prefilter.ok, measured.get("instruct"), (counts.min + counts.max) / 2, shares.instruct)
    edit = _through(instruct.ok, measured.get("edit"), 1.0, shares.edit)
    verify = _through(edit.ok, measured.get("verify"), 1.0, shares.verify)
    return {
        "ingest": ingest,
        "duplicates": Volume(ingest.ok, ingest.ok, ingest.ok),
        "prefilter": prefilter,
        "instruct": instruct,
        "edit": edit,
        "verify": verify,
        "assemble": Volume(verify.ok, verify.ok, verify.ok),
    }


def training_volumes(config: Config, edits: float, evaluations: list[str]) -> dict[str, float]:
    """Rows of the verifier's own chain: samples made, samples that each training reads (all passes), samples that evaluations read."""
    if config.samples.source == "world":
        sizes = {section: float(counts_of(config.samples.world, section).total) for section in SECTIONS}
    else:
        run = config.samples.run
        made = edits * run.share
        training = made * (1 - run.validation - run.test)
        sizes = {
            "sft": training * (1 - run.d2po),
            "d2po": training * run.d2po,
            "validation": made * run.validation,
            "test": made * run.test,
        }
    read = {}
    for name in ("sft", "d2po"):
        settings = getattr(config, name)
        read[name] = float(settings.steps * settings.batch_size) if settings.steps else sizes[name] * (settings.epochs or 0)
    evaluated = sum(sizes["test" if seal.endswith("-test.json") else "validation"] for seal in evaluations)
    total = sum(sizes.values())
    return {"samples": total, "training_data": total, **read, "evaluate": evaluated}
