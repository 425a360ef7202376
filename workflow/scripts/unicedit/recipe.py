"""The recipe of a row: what, beside its own inputs, decides its value (design section 5).

A recipe covers the modules that compute the value (engine, prompt, parser, seed rule) and the settings they use. Plumbing is not in it: the map, the
configuration classes, sidecars, progress. Nor is an engine that was not chosen. ``recipe_modules`` lists what is in it; a test holds the list.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from unicedit.digest import closure, digest_modules
from unicedit.files import digest_of

# never part of a recipe: how rows are carried, not what they are
PLUMBING = (
    "unicedit.map",
    "unicedit.config",
    "unicedit.command",
    "unicedit.digest",
    "unicedit.edit.engines",
    "unicedit.edit.http",
    "unicedit.edit.kept",
    "unicedit.errors",
    "unicedit.files",
    "unicedit.freshness",
    "unicedit.index",
    "unicedit.lookup",
    "unicedit.parquet",
    "unicedit.program",
    "unicedit.recipe",
    "unicedit.schema",
    "unicedit.sidecar",
    "unicedit.stages",
    "unicedit.vlm.batch",
    "unicedit.vlm.cache",
    "unicedit.vlm.calls",
    "unicedit.vlm.engines",
    "unicedit.vlm.failures",
    "unicedit.vlm.http",
    "unicedit.vlm.ledger",
    "unicedit.workflow",
)

# never part of a recipe: they choose which rows there are, and what they chose is in the rows' keys and inputs
CHOOSERS = (
    "unicedit.instruct.plan",
    "unicedit.propose.plan",
    "unicedit.propose.pictures",
    "unicedit.edit.assign",
    "unicedit.edit.seed",
    "unicedit.edit.weights",
)

# part of a recipe only where an engine of theirs is chosen
ENGINES = (
    "unicedit.world",
    "unicedit.edit.ark",
    "unicedit.edit.diffusers",
    "unicedit.edit.gemini",
    "unicedit.edit.images",
    "unicedit.edit.openai",
    "unicedit.edit.python",
    "unicedit.scorers.aesthetic",
    "unicedit.scorers.embedding",
    "unicedit.scorers.safety",
    "unicedit.verify.ssim",
    "unicedit.judge.public",
    "unicedit.judge.python",
    "unicedit.judge.reader",
    "unicedit.verify.reader",
    "unicedit.verify.trained",
    "unicedit.verify.models",  # which model: its weights are in the rows' inputs
    "unicedit.verifier",
    "unicedit.viescore.imgedit",
    "unicedit.viescore.kris",
    "unicedit.viescore.vie",
    "unicedit.vlm.completion",
    "unicedit.vlm.gemini",
    "unicedit.vlm.openai",
    "unicedit.vlm.transformers",
    "unicedit.vlm.vllm",
)

STAGE_ROOTS = {
    "ingest": ("unicedit.ingest.stage",),
    "lookalikes": ("unicedit.lookalikes.stage",),
    "prefilter": ("unicedit.prefilter",),
    "instruct": ("unicedit.instruct.stage",),
    "propose": ("unicedit.propose.stage",),
    "edit": ("unicedit.edit.stage",),
    "verify": ("unicedit.verify.stage",),
    "bench_edit": ("unicedit.benchmark.edit_stage",),
    "expect": ("unicedit.judge.expect_stage",),
    "judge": ("unicedit.judge.stage",),
    "triplet_aesthetic": ("unicedit.triplets.aesthetic",),
    "viescore": ("unicedit.viescore.stage",),
}


def recipe_modules(stage: str, engines: Sequence[str] = ()) -> dict[str, str]:
    """The modules in a stage's recipe when ``engines`` (modules) are chosen, with their digests."""
    modules = closure(STAGE_ROOTS[stage], without=(*PLUMBING, *CHOOSERS, *ENGINES))
    for engine in engines:
        modules |= closure([engine], without=PLUMBING)
    return dict(sorted(modules.items()))


def recipe_of(stage: str, settings: Mapping[str, Any], engines: Sequence[str] = ()) -> str:
    """The recipe digest: 16 hexadecimal digits over the modules and the settings that decide a row's value."""
    return digest_of(stage, digest_modules(recipe_modules(stage, engines)), dict(settings))[:16]
