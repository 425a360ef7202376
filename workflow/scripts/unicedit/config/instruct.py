"""Settings of instruction writing."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from unicedit.config.local_vlm import LocalVlmSettings
from unicedit.config.section import Section
from unicedit.config.vlm import VlmSettings

Share = Annotated[float, Field(ge=0, le=1000)]
PassRate = Annotated[float, Field(ge=0.02, le=1)]

# measured by `make pilot` on 1,200 pictures of the simulated world with the default editors and verifier (224 to 256 asked a sub-task)
MEASURED_PASS_RATES = {
    "Background Change": 0.80,
    "Color Alteration": 0.76,
    "Compound Operation Edits": 0.75,
    "Counting Change": 0.63,
    "Implicit Change Edits": 0.81,
    "Lens Zooming": 0.82,
    "Material Modification": 0.83,
    "Motion Change": 0.78,
    "Multi-object Coordination": 0.81,
    "Object Extraction": 0.84,
    "Portrait Editing": 0.45,
    "Relation Change": 0.77,
    "Shape-Size Alteration": 0.79,
    "Spatial Reasoning Edits": 0.77,
    "Style Transfer": 0.79,
    "Subject Addition": 0.80,
    "Subject Removal": 0.76,
    "Subject Replacement": 0.77,
    "Text Modification": 0.39,
    "Texture Editing": 0.75,
    "Tone Transformation": 0.81,
    "Viewpoint Transformation": 0.77,
}


class PerImageSettings(Section):
    """How many instructions a picture is asked for: a number between the two, all equally likely, drawn by the picture's key."""

    min: int = Field(3, ge=1, le=22, description="Fewest instructions a picture; the paper asks for three at least.")
    max: int = Field(7, ge=1, le=22, description="Most instructions a picture; the paper asks for seven at most.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min is {self.min} and max is {self.max}: min must be at most max")
        return self


class SimulatedInstructorSettings(Section):
    """The simulated instruction writer: it knows the scene of a simulated picture, and asks for whole-picture edits of any other."""

    malformed: float = Field(
        0.02,
        ge=0,
        le=1,
        description="Share of replies that are not the JSON asked for, so that asking again is exercised; at 2% every run sees some.",
    )


class InstructSettings(VlmSettings):
    """Which edits are asked of which picture, and who writes them."""

    engine: Literal["simulated", "openai", "batch", "vllm", "transformers"] = Field(
        "simulated",
        description="Who writes instructions: `simulated` knows the simulated world's scenes; `openai` is any OpenAI-compatible server, "
        "`batch` a provider's batch API at half the price and within a day; `vllm` runs in the job, and so does `transformers`, with a Qwen-VL model, on a CPU too.",
    )
    transformers: LocalVlmSettings = Field(default_factory=LocalVlmSettings, description="Settings of the engine `transformers`.")
    simulated: SimulatedInstructorSettings = Field(
        default_factory=SimulatedInstructorSettings, description="Settings of the engine `simulated`."
    )
    taxonomy: str = Field(
        "config/taxonomy.yaml",
        min_length=1,
        description="File with the tasks and sub-tasks, their definitions and examples; it becomes part of the prompt.",
    )
    per_image: PerImageSettings = Field(default_factory=PerImageSettings, description="Instructions a picture.")
    alternates: int = Field(
        3, ge=0, le=15,
        description="Further sub-tasks offered to the writer, to be used in place of those that are impossible for the picture; "
        "three mend most pictures.",
    )  # fmt: skip
    shares: dict[str, Share] = Field(
        default_factory=dict,
        description="Target share of each sub-task in the ACCEPTED rows (relative); one that is not named has 1, and 0 leaves it out. "
        "Empty: all equal, for the released data's imbalance (528,872 rows against 125) is what its users complain of.",
    )
    pass_rates: dict[str, PassRate] = Field(
        default_factory=lambda: dict(MEASURED_PASS_RATES),
        description="Share of a sub-task's asked instructions that end as accepted rows, measured by a pilot (`make pilot`) and frozen "
        "here; sub-tasks that rarely pass are asked for more often, 50 times at most. One that is not named counts as 1. The default "
        "was measured on 1,200 simulated pictures; measure again for other pictures, editors or verifier.",
    )
    attempts: int = Field(
        3,
        ge=1,
        le=10,
        description="Times a picture's question is asked until the reply fits; then its row is recorded as failed, with the reply.",
    )
    batch_size: int = Field(
        16,
        ge=1,
        le=4096,
        description="Pictures handed to the engine at once. Decides no value, only speed and memory. The engine `batch` has `batch.rows` instead.",
    )

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.engine == "transformers" and not self.transformers.model:
            raise ValueError("engine `transformers` needs transformers.model, the folder of a Qwen-VL model or its hub id")
        return self
