"""A release as the run's configuration and the command's arguments describe it."""

import json
from collections.abc import Sequence
from pathlib import Path

from unicedit.card.readme import Made
from unicedit.config.model import Config
from unicedit.errors import PipelineError
from unicedit.files import digest_of, read_json
from unicedit.plan.rates import read_rates
from unicedit.reads import READS, taxonomy_file, trains_its_verifier
from unicedit.release.energy import measured, rated
from unicedit.release.marks import term_of
from unicedit.release.release import Release
from unicedit.stages import gather_seal
from unicedit.taxonomy import load
from unicedit.workflow import read_config


def asked(
    files: Sequence[Path],
    results: Path,
    *,
    repository: str,
    date: str,
    shard_bytes: int,
    webdataset: bool,
    mark: Sequence[str] | None,
    energy_kwh: float | None,
    grid_grams: float | None,
) -> Release:
    """The release of the run of these configuration files. ``mark`` is None for no marks, or what ``term_of`` takes. Raises ``PipelineError`` where the dataset in ``results`` was
    not made with this configuration: its card would say what is not so.
    """
    config = read_config(files)
    seal = Path(gather_seal(str(results), "card"))
    if not seal.is_file():
        raise PipelineError(f"{seal}: the dataset has no card yet; finish the run (make dataset) before its release")
    if read_json(seal).get("settings") != digest_of(_settings(config)):
        raise PipelineError(
            f"{results / 'dataset'}: made with another configuration than {', '.join(map(str, files))}; name the run's own (CONFIG=...), or run make dataset"
        )
    return Release(
        made=Made(
            config.dataset.card,
            config.prefilter,
            config.instruct,
            config.edit,
            config.verify,
            config.library.kind,
            config.samples.source if trains_its_verifier(config) else None,
        ),
        taxonomy=load(taxonomy_file(config)),
        repository=repository,
        date=date,
        configuration=digest_of(config.model_dump(mode="json")),
        deduplicated=config.duplicates.enabled,
        row_group_rows=config.dataset.row_group_rows,
        shard_bytes=shard_bytes,
        webdataset=webdataset,
        terms={} if mark is None else term_of(config.edit.editors, mark),
        energy=measured(Path.cwd(), results, energy_kwh),
        rated=rated(config, read_rates(Path(config.plan.rates))),
        grid_grams=grid_grams,
    )


def _settings(config: Config) -> str:
    return json.dumps(READS["card"](config), sort_keys=True, ensure_ascii=False)
