"""Making a plan from configuration files: what the index, a finished run, the profile and Slurm say, put together."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from unicedit.cluster.asked import Asked, asked, read_profile, rules_in
from unicedit.cluster.partition import partitions
from unicedit.cluster.slurm import SlurmError, installed
from unicedit.config.model import Config
from unicedit.plan.library import pictures_of
from unicedit.plan.measured import Measured, measure
from unicedit.plan.plan import MEASURED_STAGES, Plan, Planner
from unicedit.plan.rates import read_rates
from unicedit.plan.sizes import Limit, advice, gpus_asked, limits
from unicedit.workflow import Pipeline, read_config

RULES = Path(__file__).resolve().parents[3] / "rules"


def _asked(profile: Path) -> dict[str, Asked]:
    """What each rule asks of a cluster under a profile; nothing where jobs run on this machine."""
    values = read_profile(profile)
    return {} if values.get("executor") == "local" else asked(rules_in(RULES), values)


def _limits(rules: Mapping[str, Asked]) -> tuple[dict[str, Limit], list[str]]:
    """Time limits by rule, and what Slurm could not be asked."""
    told: dict[str, float] = {}
    faults = []
    if rules and installed():
        try:
            told = {one.name: one.minutes for one in partitions() if one.minutes is not None}
        except SlurmError as error:
            faults.append(f"time limits of partitions are not known, the profile's runtimes are taken: {error}")
    return limits(rules, told), faults


def _measured(config: Config, folders: Sequence[Path] | None) -> tuple[dict[str, Measured], Path | None]:
    """What a finished run showed: one that is named, or the one in this configuration's results folder."""
    settings = config.plan.measured
    named = folders[0] if folders else Path(settings.results) if settings.results else None
    results = named or Path(config.paths.results)
    scratch = folders[1] if folders and len(folders) > 1 else Path(settings.scratch or config.paths.scratch)
    if named is None and not (results / "index").is_dir():
        return {}, None
    return measure(results, scratch, MEASURED_STAGES), results


def make_plan(files: Sequence[Path], gpus: int, cores: int, profile: Path, measured: Sequence[Path] | None = None) -> Plan:
    """The plan of a configuration. Reads the library's names as a dry run does, and writes nothing. Raises ``PipelineError`` as a run would."""
    config = read_config(files)
    pipeline = Pipeline(config.model_dump(mode="json"))
    pipeline.open_library(scan=True, dry=True)
    assert pipeline.index is not None
    known, results = _measured(config, measured)
    pictures = pictures_of(config.library, pipeline.index, Path(config.paths.results))
    planner = Planner(config, read_rates(Path(config.plan.rates)), known, gpus=gpus, cores=cores, results=results)
    plan = planner.plan(pictures, pipeline.index)
    rules = _asked(profile)
    of_rule, faults = _limits(rules)
    changes = gpus_asked(plan, config, rules) + advice(plan, config, pictures, of_rule, Path(config.paths.results))
    return replace(plan, warnings=(*plan.warnings, *faults, *pipeline.warnings), advice=tuple(changes))
