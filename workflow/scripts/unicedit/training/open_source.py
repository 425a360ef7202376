"""Opening the source of samples that the settings name."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from unicedit.config.samples import SamplesSettings
from unicedit.errors import PipelineError
from unicedit.training.parts import stretches
from unicedit.training.recipes import samples_recipe
from unicedit.training.source import SampleSource


def open_source(part: str, settings: SamplesSettings, size_divisor: int, tables: Sequence[Path]) -> SampleSource:
    """The source of one part. ``tables`` are the run's, for the source ``run``: ingest, instruct, edit, the teacher's verify, duplicates.

    Raises ``PipelineError`` where the part is none of the settings', or the world has too few pictures.
    """
    recipe = samples_recipe(settings)
    if settings.source == "run":
        from unicedit.training.run_samples import RunSamples, Tables

        return RunSamples(Tables(*tables), settings, recipe)
    from unicedit.training.world_plan import plan
    from unicedit.training.world_samples import WorldSamples

    stretch = next(islice(stretches(settings), int(part), None), None)
    if stretch is None:
        raise PipelineError(
            f"part {part}: the settings under samples.world ask for {len(list(stretches(settings)))} parts, numbered from 00000"
        )
    return WorldSamples(plan(stretch, settings), size_divisor, settings.encoding, recipe)
