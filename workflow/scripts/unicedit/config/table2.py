"""Settings of Table 2: the quality of editing datasets."""

from typing import Literal, Self

from pydantic import Field, model_validator

from unicedit.config.judge import JudgeSettings
from unicedit.config.prefilter import AestheticSettings
from unicedit.config.section import Section


class SampledDatasetSettings(Section):
    """A dataset to draw a sample of."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_.-]{0,39}$",
        description="Its name in files: lower case letters, digits, `_`, `.`, `-`. The table calls it as its mapping does.",
    )
    mapping: str = Field(min_length=1, description="How its files hold source, edit and instruction: a file as config/datasets/*.yaml.")
    root: str = Field(
        min_length=1,
        description="The folder that it was fetched into. It is taken for unchanging: files that change in it are not noticed.",
    )


class Table2JudgeSettings(JudgeSettings):
    """One judge of triplets. It is asked for SC and PQ in one form alone, so `mode` and `reasoning_calls` play no part."""

    engine: Literal["openai", "batch", "vllm", "transformers"] = Field(
        "openai",
        description="`openai` asks any OpenAI-compatible server, `batch` a provider's batch API at half the price and within a day; `vllm` runs one in the job, "
        "`transformers` a Qwen-VL model.",
    )
    repeats: int = Field(3, ge=1, le=50, description="Runs over all triplets, each drawn anew; the paper's table is the mean of three.")


class Table2Settings(Section):
    """Table 2, the quality of editing datasets by VIEScore: samples of datasets on this machine, scored by judges. Made where `datasets` names some."""

    datasets: tuple[SampledDatasetSettings, ...] = Field(
        (), description="The datasets: `name`, `mapping` (config/datasets has the paper's) and `root` of each. None: no Table 2."
    )
    samples: int = Field(1000, ge=1, le=1_000_000, description="Triplets drawn of each dataset; the paper takes 1,000.")
    seed: int = Field(0, ge=0, description="Seed of the draw. A smaller sample of the same seed is the beginning of a larger one.")
    judges: tuple[Table2JudgeSettings, ...] = Field(
        (),
        description="The judges, as under `benchmark.judges` but for `measured` and `python`; each scores every sample, and the table has a part for each.",
    )
    aesthetic: AestheticSettings | None = Field(
        None, description="Aesthetic scores of sources and edits, as under `prefilter.aesthetic` (`min_score` plays no part). null: none."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for what, names in (("datasets", [one.name for one in self.datasets]), ("judges", [one.name for one in self.judges])):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"names of {what} must be unique, and {', '.join(twice)} is there more than once")
        if self.datasets and not self.judges:
            raise ValueError(
                "`datasets` names some and `judges` none: name a judge, for instance {name: gpt-4o, openai: {model: gpt-4o-2024-11-20}}"
            )
        return self
