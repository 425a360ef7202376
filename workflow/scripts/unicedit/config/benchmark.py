"""Settings of the benchmark of editing models."""

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from unicedit.config.edit import EditorSettings, SimulatedEditorSettings
from unicedit.config.ingest import EncodingSettings
from unicedit.config.judge import JudgeSettings
from unicedit.config.section import Section
from unicedit.world.faults import FaultRates

Language = Literal["en", "cn"]


class BenchModelSettings(EditorSettings):
    """One editing model to be benchmarked: an editor, and its place in the table."""

    paper: str | None = Field(
        None, description="Its name in the paper's Table 4, so that reported and measured stand in one row. null: a row of its own."
    )
    run: bool = Field(
        True, description="false: it stands in the table as `not run`, for instance while its weights or its key are missing."
    )


def _embedded() -> tuple[BenchModelSettings, ...]:
    """Three simulated editors whose order is known, because it is set here."""
    rates = {
        "simulated-careful": (FaultRates(no_edit=0.02, misaligned=0.03, quality=0.02, damage=0.02), 1.0),
        "simulated-usual": (FaultRates(no_edit=0.10, misaligned=0.10, quality=0.06, damage=0.06), 2.0),
        "simulated-careless": (FaultRates(no_edit=0.22, misaligned=0.20, quality=0.14, damage=0.14), 4.0),
    }
    return tuple(
        BenchModelSettings(name=name, simulated=SimulatedEditorSettings(faults=faults, flicker=flicker))
        for name, (faults, flicker) in rates.items()
    )


def _twice(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


class RecordsSettings(Section):
    """The samples of the benchmark: where they are from, and what is read of them."""

    source: Literal["world", "files", "hub", "mapped", "none"] = Field(
        "world",
        description="`world`: samples of the simulated world, which need nothing; `files`: UnicBench's test_data.jsonl and images on this machine; `hub`: a Hugging "
        "Face dataset; `mapped`: another benchmark, as config/benchmarks/*.yaml describe them; `none`: no benchmark. config/unicbench.yaml sets the public benchmark up.",
    )
    path: str | None = Field(
        None,
        min_length=1,
        description="For `mapped`: the folder of a clone. For `files`: the folder of a clone (it holds test_data.jsonl, or data/test_data.jsonl), or the jsonl file itself.",
    )
    mapping: str | None = Field(
        None,
        min_length=1,
        description="For `mapped`: how its files, in the folder `path`, hold its samples: a file as config/benchmarks/*.yaml.",
    )
    images: str | None = Field(
        None,
        min_length=1,
        description="For `files`: folder that the records' `image_path` is relative to. null: where the jsonl file is, or above it. For `mapped` from JSON files: folder of "
        "the pictures. null: each file's own.",
    )
    dataset: str = Field("xiaotanhua/UnicBench", min_length=1, description="For `hub`: the dataset's id.")
    revision: str | None = Field(None, description="For `hub`: its commit. null: the newest, which may differ from run to run.")
    split: str = Field("train", min_length=1, description="For `hub`: the split that holds the records.")
    subtasks: int = Field(22, ge=1, le=22, description="Sub-tasks that the benchmark must have; UnicBench and the simulated one have 22.")
    per_subtask: int = Field(
        5,
        ge=1,
        le=1000,
        description="Samples that each sub-task must have, and that the simulated benchmark is made with; UnicBench has 50. Other numbers stop the run.",
    )
    max_file_mb: float = Field(100, gt=0, description="Larger picture files are refused: bounds memory against hostile input.")
    max_megapixels: float = Field(100, gt=0, le=178, description="Pictures with more pixels, by their header, are refused.")
    encoding: EncodingSettings = Field(
        default_factory=EncodingSettings, description="How edits are stored, each in the size its model gave it."
    )

    @model_validator(mode="after")
    def _names_its_files(self) -> Self:
        if self.source == "files" and not self.path:
            raise ValueError("source is `files`, so `path` must name the folder of the benchmark or its jsonl file")
        if self.source == "mapped" and not (self.path and self.mapping):
            raise ValueError(
                "source is `mapped`, so `path` must name the folder of the benchmark and `mapping` a file as config/benchmarks/*.yaml"
            )
        return self


class BenchmarkSettings(RecordsSettings):
    """The benchmark of editing models (UnicBench, Table 4): its samples, the models that edit them, and the judges that score the edits."""

    languages: tuple[Language, ...] = Field(
        ("en", "cn"),
        min_length=1,
        description="Languages of the instructions that every model is given; each is a column group of the table.",
    )
    models: tuple[BenchModelSettings, ...] = Field(
        default_factory=_embedded,
        min_length=1,
        description="The models: editors as under `edit.editors`, and `paper`, `run`. The default is three simulated ones of known faults, which are no editing models.",
    )
    batch_size: int = Field(16, ge=1, le=4096, description="Samples handed to a model at once. Decides no value, only speed and memory.")
    judges: tuple[JudgeSettings, ...] = Field(
        (JudgeSettings(name="measured"),),
        min_length=1,
        description="The judges; each scores every edit, and Table 4 has a part for each. The default measures from the truth of the simulated world.",
    )

    @field_validator("models", "judges")
    @classmethod
    def _names_are_unique(cls, listed: tuple[BenchModelSettings | JudgeSettings, ...]) -> tuple[BenchModelSettings | JudgeSettings, ...]:
        odd = [one.name for one in listed if not one.name[0].isalnum()]
        if odd:
            raise ValueError(f"names begin with a letter or digit, and {odd[0]!r} does not: it becomes part of a path")
        if twice := _twice([one.name for one in listed]):
            raise ValueError(f"names must be unique, and {', '.join(twice)} is there more than once")
        return listed

    @field_validator("languages")
    @classmethod
    def _once(cls, languages: tuple[Language, ...]) -> tuple[Language, ...]:
        if _twice(languages):
            raise ValueError("a language is named twice")
        return languages

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.source == "none":
            return self
        if not self.run_models:
            raise ValueError("no model is to be run: give one `run: true`, or set source to `none`")
        papers = _twice([model.paper for model in self.models if model.paper])
        if papers:
            raise ValueError(f"two models claim the paper's row {papers[0]!r}")
        real = [model.name for model in self.models if model.run and model.engine != "simulated"]
        if any(judge.engine == "measured" for judge in self.judges) and (real or self.source != "world"):
            raise ValueError(
                "a judge with engine `measured` knows the truth of simulated edits alone: it needs source `world` and models with engine `simulated`"
                + (f" (not {', '.join(real)})" if real else "")
            )
        return self

    @property
    def run_models(self) -> list[BenchModelSettings]:
        """The models that are run."""
        return [model for model in self.models if model.run]

    def model(self, name: str) -> BenchModelSettings:
        """The model of that name; ``KeyError`` if there is none."""
        return {model.name: model for model in self.models}[name]

    def judge(self, name: str) -> JudgeSettings:
        """The judge of that name; ``KeyError`` if there is none."""
        return {judge.name: judge for judge in self.judges}[name]
