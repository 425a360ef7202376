"""Table 2 as a workflow sees it: which tables there are, of which dataset and judge, and what each reads.

Nothing heavy is imported here: every Slurm job parses the Snakefile again.
"""

from pathlib import Path
from typing import Any

from unicedit.config.model import Config
from unicedit.config.table2 import SampledDatasetSettings
from unicedit.errors import ConfigError, PipelineError
from unicedit.files import sha256_of_file

TRIPLET_STAGES = ("triplets", "viescore", "triplet_aesthetic")
_NO_PART = {"mode", "reasoning_calls"}  # settings of a judge of benchmarks


class Table2Plan:
    """The tables of a configuration. A unit is a dataset's name, or <judge>@<dataset>; no name holds an @."""

    def __init__(self, config: Config) -> None:
        self.settings = config.table2

    def units(self, stage: str) -> list[str]:
        """The names of a stage's tables, in order."""
        datasets = [one.name for one in self.settings.datasets]
        if stage == "viescore":
            return [f"{judge.name}@{name}" for judge in self.settings.judges for name in datasets]
        return datasets if stage == "triplets" or self.settings.aesthetic else []

    def dataset_of(self, unit: str) -> SampledDatasetSettings:
        """The dataset that a unit is of. Raises ``PipelineError`` for a name that is none of the configuration's."""
        name = unit.rpartition("@")[2]
        for one in self.settings.datasets:
            if one.name == name:
                return one
        raise PipelineError(f"table2.datasets: none is called {name!r}; there are {', '.join(one.name for one in self.settings.datasets)}")

    def settings_of(self, stage: str, unit: str) -> dict[str, Any]:
        """The settings that one table reads. Raises ``PipelineError`` for a name that is none of the configuration's."""
        if unit not in self.units(stage):
            raise PipelineError(f"{stage}: {unit!r} is none of the configured ones; there are {', '.join(self.units(stage)) or 'none'}")
        if stage == "viescore":
            judge = next(one for one in self.settings.judges if one.name == unit.partition("@")[0])
            return {"judge": judge.model_dump(mode="json", exclude=_NO_PART)}
        if stage == "triplet_aesthetic":
            assert self.settings.aesthetic is not None  # or it had no units
            return {"aesthetic": self.settings.aesthetic.model_dump(mode="json", exclude={"min_score"})}
        dataset = self.dataset_of(unit)
        return {
            "samples": self.settings.samples,
            "seed": self.settings.seed,
            "root": dataset.root,
            "mapping": sha256_of_file(Path(dataset.mapping)),
        }

    def check(self) -> list[str]:
        """Read the mappings, and return a line for each file or folder that is missing. Raises ``PipelineError`` for a mapping that cannot be used."""
        from unicedit.triplets.mapping import load

        missing, called = [], dict[str, str]()
        for one in self.settings.datasets:
            title = load(one.mapping).name
            if title in called:
                raise ConfigError(
                    f"config: table2.datasets: {called[title]} and {one.name} are both called {title!r} by their mappings: "
                    "give one a mapping of its own with another `name`"
                )
            called[title] = one.name
            if not Path(one.root).is_dir():
                missing.append(
                    f"config: table2.datasets: {one.name}: root = {one.root!r}: no such folder; fetch the dataset into it, or correct it"
                )
        aesthetic = self.settings.aesthetic
        if self.settings.datasets and aesthetic and not Path(aesthetic.head).exists():
            missing.append(
                f"config: table2.aesthetic.head = {aesthetic.head!r}: no such file; `python -m unicedit.scorers.convert_aesthetic` makes it"
            )
        return missing
