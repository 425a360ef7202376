"""Settings of a judge."""

from typing import Literal, Self

from pydantic import Field, model_validator

from unicedit.config.local_vlm import LocalVlmSettings
from unicedit.config.python import PythonSettings
from unicedit.config.vlm import VlmSettings


class JudgeSettings(VlmSettings):
    """One judge: who scores edits, and by which form of the rubrics."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_.-]{0,39}$", description="Its name in tables and files: lower case letters, digits, `_`, `.`, `-`."
    )
    engine: Literal["measured", "openai", "batch", "vllm", "transformers", "python"] = Field(
        "measured",
        description="`openai` asks any OpenAI-compatible server, `batch` a provider's batch API at half the price and within a day; `vllm` runs one in the job, "
        "`transformers` a Qwen-VL model, `python` calls a class or function of your own. "
        "`measured` is no judge: it computes the metrics from the truth of simulated edits, and its tables say so.",
    )
    transformers: LocalVlmSettings = Field(default_factory=LocalVlmSettings, description="Settings of the engine `transformers`.")
    python: PythonSettings | None = Field(None, description="Settings of the engine `python`; needed where it is chosen.")
    mode: Literal["itemised", "holistic", "public"] = Field(
        "itemised",
        description="`itemised`: the judge lists each violation with its deduction, and the score is computed from the list; `holistic`: it gives the score; "
        "`public`: it gives the score to UnicBench's own prompts, which `make fetch-benchmark` gets, and RA takes one call.",
    )
    reasoning_calls: Literal[1, 2] = Field(
        2,
        description="RA in two calls as in the paper (first what is to be expected, once a sample for all models; then the check against it), or in one.",
    )
    attempts: int = Field(
        3, ge=1, le=10, description="Times a question is asked until the reply fits; then its row is recorded as failed, never as a score."
    )
    repeats: int = Field(
        1, ge=1, le=50, description="Runs over all samples, each drawn anew; more than one shows how far the judge agrees with itself."
    )
    batch_size: int = Field(
        256,
        ge=1,
        le=4096,
        description="Questions handed to the engine at once. Decides no value, only speed and memory. The engine `batch` has `batch.rows` instead.",
    )

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.engine == "transformers" and not self.transformers.model:
            raise ValueError("engine `transformers` needs transformers.model, the folder of a Qwen-VL model or its hub id")
        if self.engine == "python" and self.python is None:
            raise ValueError("engine `python` needs a section `python` beside it: the file, and the name of a class or function in it")
        if self.repeats > 1 and self.engine in ("measured", "transformers"):
            raise ValueError(f"repeats is {self.repeats}, and engine `{self.engine}` gives the same score every time: 1 is allowed")
        return self

    @property
    def asks(self) -> bool:
        """Whether it asks a vision-language model: the others read no prompt, and tell nothing beforehand of what is to be expected."""
        return self.engine not in ("measured", "python")
