"""The benchmark as a workflow sees it: which tables there are, of which model, language and judge, and what each reads.

Nothing heavy is imported here: every Slurm job parses the Snakefile again.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unicedit.config.benchmark import RecordsSettings
from unicedit.config.model import Config
from unicedit.errors import PipelineError
from unicedit.files import sha256_of_file

if TYPE_CHECKING:
    from unicedit.benchmark.mapping import BenchMapping

UNIT_STAGES = ("bench_edit", "expect", "judge", "bench_viescore")
# a unit's name is its file's: <model>-<language>, <judge>@<language>, <judge>@<model>-<language>; no name of a model or judge holds an @


@dataclass(frozen=True, slots=True)
class Unit:
    """One table of a stage: whose it is. A stage leaves empty what it does not depend on."""

    language: str
    model: str = ""
    judge: str = ""

    @property
    def name(self) -> str:
        """Its name in paths."""
        of = f"{self.model}-{self.language}" if self.model else self.language
        return f"{self.judge}@{of}" if self.judge else of


def unit_of(name: str) -> Unit:
    """The unit of a name."""
    judge, found, rest = name.rpartition("@")
    model, _, language = rest.rpartition("-")
    return Unit(language, model, judge if found else "")


def compared(settings: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The judge that measures the truth, and those to compare with it, of ``compared_settings``. Raises ``PipelineError`` where one or the other is missing."""
    if not _comparable(settings):
        raise PipelineError(
            "judge_check compares judges that read pictures with the truth of simulated edits: give benchmark.judges one of engine `measured` and "
            "one of another (openai, vllm, transformers, python), with benchmark.source `world` and models of engine `simulated`"
        )
    return settings["truth"], settings["judges"]


def check_groups(settings: Mapping[str, Any]) -> None:
    """Whether ``groups_settings`` are of another benchmark, with somebody to judge it. Raises ``PipelineError`` where they are not."""
    if settings["mapping"] is None or not settings["judges"]:
        raise PipelineError(
            "bench_groups is of another benchmark: set benchmark.source to `mapped`, and give benchmark.judges one that reads pictures (openai, vllm, transformers, python)"
        )


def _comparable(settings: Mapping[str, Any]) -> bool:
    return settings["truth"] is not None and bool(settings["judges"])


class BenchPlan:
    """The tables of a configuration."""

    def __init__(self, config: Config) -> None:
        self.settings = config.benchmark
        self.tables = config.tables

    def units(self, stage: str) -> list[str]:
        """The names of a stage's tables, in order."""
        settings = self.settings
        if settings.source == "none":
            return []
        languages, models = self.languages, [model.name for model in settings.run_models]
        if stage == "bench_edit":
            return [Unit(language, model).name for model in models for language in languages]
        if stage == "expect":
            return [
                Unit(language, judge=judge.name).name for judge in settings.judges if self.expects(judge.name) for language in languages
            ]
        judges = [judge for judge in settings.judges if stage == "judge" or judge.asks]
        return [Unit(language, model, judge.name).name for judge in judges for model in models for language in languages]

    @functools.cached_property
    def mapping(self) -> "BenchMapping | None":
        """The mapping of another benchmark, where one is configured."""
        if self.settings.source != "mapped":
            return None
        from unicedit.benchmark.mapping import load_mapping

        return load_mapping(str(self.settings.mapping))

    @property
    def languages(self) -> list[str]:
        """The languages that instructions are given in: those of the settings that the benchmark has. Raises ``PipelineError`` where it has none of them."""
        spoken = self.mapping.spoken if self.mapping else self.settings.languages
        found: list[str] = [language for language in self.settings.languages if language in spoken]
        if not found:
            raise PipelineError(
                f"benchmark.languages = {list(self.settings.languages)}: {self.settings.mapping} has instructions in {', '.join(spoken)} alone"
            )
        return found

    def expects(self, judge: str) -> bool:
        """Whether a judge first infers what is to be expected, in a call of its own."""
        found = self.settings.judge(judge)
        return found.asks and found.mode != "public" and found.reasoning_calls == 2

    def settings_of(self, stage: str, name: str) -> dict[str, Any]:
        """The settings that one table reads. Raises ``PipelineError`` for a name that is none of the configuration's."""
        if name not in self.units(stage):
            raise PipelineError(
                f"{stage}: {name!r} is none of the configured benchmark's; there are {', '.join(self.units(stage)) or 'none'}"
            )
        unit = unit_of(name)
        found: dict[str, Any] = {}
        if stage != "expect":
            found["model"] = self.settings.model(unit.model).model_dump(mode="json", exclude={"paper", "run"})
        if stage == "bench_viescore":
            judge = self.settings.judge(unit.judge).model_dump(mode="json", exclude={"mode", "reasoning_calls"})
            return {"judge": judge, "questions": self.mapping.questions if self.mapping else "viescore"}
        if stage == "bench_edit":
            found |= {"encoding": self.settings.encoding.model_dump(mode="json"), "batch_size": self.settings.batch_size}
        else:
            found["judge"] = self.settings.judge(unit.judge).model_dump(mode="json")
            if found["judge"]["engine"] != "measured":
                found.pop("model", None)  # only the truth depends on how the model is set
        return found

    def edits_of(self, name: str) -> str:
        """The unit of the edits that a judge's table is about."""
        unit = unit_of(name)
        return Unit(unit.language, unit.model).name

    def expected_of(self, name: str) -> list[str]:
        """The unit of what is to be expected, where a judge's table reads one."""
        unit = unit_of(name)
        return [Unit(unit.language, judge=unit.judge).name] if self.expects(unit.judge) else []

    def record_settings(self) -> dict[str, Any]:
        """What decides the records: where they are from, and the content of their file."""
        found: dict[str, Any] = {"benchmark": self.settings.model_dump(mode="json", include=set(RecordsSettings.model_fields))}
        if self.settings.source == "files":
            from unicedit.benchmark.files import jsonl_of

            found["sha256"] = sha256_of_file(jsonl_of(str(self.settings.path)))
        if self.settings.source == "mapped":
            found["sha256"] = sha256_of_file(Path(str(self.settings.mapping)))
        return found

    @property
    def knows_truth(self) -> bool:
        """Whether the truth of every edit is known."""
        return self.settings.source == "world" and all(model.engine == "simulated" for model in self.settings.run_models)

    @property
    def asks_nobody(self) -> bool:
        """Whether the truth answers everything and no judge reads pictures: then the claim on VIEScore comes along with Table 4."""
        return self.knows_truth and all(judge.engine == "measured" for judge in self.settings.judges)

    def claim_settings(self) -> dict[str, Any]:
        """What the claim on VIEScore reads beside the tables: how the models are made, and which judges can be asked for SC and PQ or compute them from the
        truth; no model where it is unknown.
        """
        models = self.settings.run_models if self.knows_truth else []
        return {
            "tables": self.tables.model_dump(mode="json"),
            "models": {model.name: model.simulated.model_dump(mode="json") for model in models},
            "judges": [judge.name for judge in self.settings.judges if judge.engine != "python"],
            "measured": [judge.name for judge in self.settings.judges if judge.engine == "measured"],
        }

    def compared_settings(self) -> dict[str, Any]:
        """What comparing judges with the truth reads beside their tables: the judge that measures it (null where none does), and the judges to compare."""
        judges = self.settings.judges if self.knows_truth else ()
        measuring = [judge.name for judge in judges if judge.engine == "measured"]
        return {
            "tables": self.tables.model_dump(mode="json"),
            "truth": measuring[0] if measuring else None,
            "judges": [judge.name for judge in judges if judge.engine != "measured"],
        }

    @property
    def compares(self) -> bool:
        """Whether there are judges to compare, and the truth beside them."""
        return _comparable(self.compared_settings())

    def groups_settings(self) -> dict[str, Any]:
        """What the table of another benchmark's groups reads beside the judges' tables: its mapping (null: none is configured), and who is compared."""
        settings, mapping = self.settings, self.mapping
        return {
            "tables": self.tables.model_dump(mode="json"),
            "mapping": mapping.model_dump(mode="json") if mapping else None,
            "languages": self.languages,
            "models": [model.name for model in settings.run_models],
            "judges": [judge.name for judge in settings.judges if judge.engine != "measured"],
        }

    def table_settings(self) -> dict[str, Any]:
        """What Table 4 reads beside the judges' tables: what it calls things."""
        settings = self.settings
        return {
            "tables": self.tables.model_dump(mode="json"),
            "source": settings.source,
            "languages": self.languages,
            "models": [{"name": model.name, "paper": model.paper, "run": model.run, "engine": model.engine} for model in settings.models],
            "judges": [{"name": judge.name, "engine": judge.engine, "mode": judge.mode} for judge in settings.judges],
        }
