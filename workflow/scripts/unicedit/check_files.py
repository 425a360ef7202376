"""What is checked before the first job and the typed classes cannot see: files that settings name, and what stands in them."""

from pathlib import Path

from unicedit.config.contamination import OWN
from unicedit.config.model import Config
from unicedit.edit.check import check_editors
from unicedit.errors import ConfigError
from unicedit.models.cache import check_fetched
from unicedit.models.lock import says, unlocked
from unicedit.program.find import check_program
from unicedit.reads import taxonomy_file
from unicedit.training.parts import review_of
from unicedit.triplets.plan import Table2Plan


def check_files(config: Config, *, dry: bool = False) -> list[str]:
    """Check them; returns what a dry run may go on without.

    Raises ``PipelineError``.
    """
    from unicedit.benchmark.files import jsonl_of
    from unicedit.benchmark.mapping import load_mapping
    from unicedit.instruct.plan import Planner
    from unicedit.judge.public import public_prompts
    from unicedit.propose.check import check_proposed
    from unicedit.taxonomy import TaxonomyError, load

    try:
        taxonomy = load(taxonomy_file(config))
    except TaxonomyError as error:
        first, *others = str(error).splitlines()
        more = f", and {len(others)} faults more" if others else ""
        raise ConfigError(
            f"config: instruct.taxonomy = {config.instruct.taxonomy!r}: is no taxonomy, config/taxonomy.yaml is one: {first}{more}"
        ) from error
    Planner(config.instruct, taxonomy)
    if config.propose.subtasks:  # otherwise only whoever proposes is told
        check_proposed(config)
    review_of(config.samples)
    check_editors(config)
    _check_batches(config)
    _check_excluded(config)
    if config.benchmark.source == "files":
        jsonl_of(str(config.benchmark.path))
    if config.benchmark.source == "mapped":
        load_mapping(str(config.benchmark.mapping))
    judges = config.benchmark.judges if config.benchmark.source != "none" else ()
    for number, judge in enumerate(judges):
        if judge.engine == "python" and judge.python:
            check_program(judge.python, f"benchmark.judges.{number}.python")
    if any(judge.asks and judge.mode == "public" for judge in judges):
        public_prompts(Path(config.paths.cache))
    missing = [says(one, config.models.lock) for one in unlocked(config)]
    if (aesthetic := config.prefilter.aesthetic) and not Path(aesthetic.head).exists():
        missing.append(
            f"config: prefilter.aesthetic.head = {aesthetic.head!r}: no such file; `python -m unicedit.scorers.convert_aesthetic` makes it"
        )
    if embedding := config.contamination.embedding:
        from unicedit.scorers.embedding import check_folder

        missing += filter(None, [check_folder(embedding.model)])
    missing += Table2Plan(config).check()
    if missing and not dry:
        raise ConfigError("\n".join(missing))
    if not dry:
        check_fetched(config)
    return missing


def _check_batches(config: Config) -> None:
    """With the engine `batch` a job waits, up to a day, for each part of a shard that is handed over."""
    for stage, settings in (("instruct", config.instruct), ("verify", config.verify)):
        if settings.engine == "batch" and settings.rows_at_once < config.library.shard_size:
            raise ConfigError(
                f"config: {stage}.batch.rows = {settings.batch.rows}: a shard has {config.library.shard_size} pictures (library.shard_size), and each "
                "part would wait for a batch of its own; null hands over the whole shard"
            )


def _check_excluded(config: Config) -> None:
    """Names that prefilter excludes are benchmarks that are looked for, in folders that are there."""
    known = [*([OWN] if config.benchmark.source != "none" else []), *(one.name for one in config.contamination.benchmarks)]
    for name in config.prefilter.exclude:
        if name not in known:
            raise ConfigError(
                f"config: prefilter.exclude = {name!r}: no such benchmark; known are {', '.join(known) or 'none'}: add it to contamination.benchmarks"
            )
    for one in config.contamination.benchmarks:
        if not Path(one.path).is_dir():
            raise ConfigError(
                f"config: contamination.benchmarks: {one.name}: path = {one.path!r}: no such folder; the folder with its pictures is allowed"
            )
