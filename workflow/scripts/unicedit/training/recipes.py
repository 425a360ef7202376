"""Today's recipe of training samples: which modules and settings decide their rows' values (design section 5)."""

from typing import Any

from unicedit.config.samples import SamplesSettings
from unicedit.digest import closure, digest_modules
from unicedit.files import digest_of
from unicedit.recipe import PLUMBING

_SOURCES = {
    "world": ("unicedit.training.world_samples",),
    "run": ("unicedit.training.run_samples", "unicedit.world.hallucinator"),
}
# they choose which samples there are, and what they chose is in the rows' keys and inputs
_CHOOSERS = ("unicedit.training.world_plan", "unicedit.training.parts", "unicedit.training.splits")


def samples_recipe(settings: SamplesSettings) -> str:
    """The recipe of samples. What was drawn for a sample is among its row's inputs."""
    chosen: dict[str, Any] = {"source": settings.source, "encoding": settings.encoding.model_dump(mode="json")}
    if settings.source == "run":
        chosen |= {"engine": settings.run.engine, "attempts": settings.run.attempts, "failed": settings.run.failed}
    return digest_of("samples", digest_modules(recipe_modules(settings.source)), chosen)[:16]


def recipe_modules(source: str) -> dict[str, str]:
    """The modules in the recipe of a source's samples, with their digests."""
    return closure(_SOURCES[source], without=(*PLUMBING, *_CHOOSERS))
