"""Settings of verification."""

from typing import Literal

from pydantic import Field

from unicedit.config.section import Section
from unicedit.config.vlm import VlmSettings


class SimulatedVerifierSettings(Section):
    """The simulated verifier: it knows the truth of every simulated edit, and errs at known rates."""

    miss: float = Field(0.05, ge=0, le=1, description="Probability that it lets an invalid edit pass.")
    false_alarm: float = Field(0.03, ge=0, le=1, description="Probability that it rejects a valid edit.")
    misstate: float = Field(0.03, ge=0, le=1, description="Probability that its restated instruction names something that did not happen.")


class SsimSettings(Section):
    """Structural similarity of source and edit: the paper's baseline, which it finds unfit."""

    threshold: float = Field(
        0.985, ge=-1, le=1,
        description="An edit whose similarity to its source is at least this counts as unchanged. 0.985 separates best among 900 edits of "
        "the simulated world: it catches 95% of those that did nothing, and drops 12% of the valid ones. Moving it measures nothing again.",
    )  # fmt: skip


class TransformersSettings(Section):
    """A trained verifier, run in the job's own process. What it was trained for (differential context, form of reply) it says itself."""

    model: str | None = Field(
        None, description="Folder of a trained verifier (or a hub id, then with `revision`). null: the one trained in this run."
    )
    revision: str | None = Field(None, description="Commit of a hub model; jobs never download, so fetch it beforehand.")
    batch_size: int = Field(
        32, ge=1, le=1024, description="Pairs the model reads at once, sorted by length among those handed over (`verify.batch_size`)."
    )
    max_new_tokens: int = Field(
        1024, ge=16, le=8192, description="Tokens a reply may have; one that is cut there does not fit and is asked again."
    )
    device: str = Field("auto", description="`auto`, `cpu` or `cuda`.")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="Precision. `auto`: bfloat16 on a GPU, float32 on a CPU, where replies then do not depend on the batch."
    )
    blind_weight: float = Field(
        0.0,
        ge=0,
        le=10,
        description="Weight of the second reading, by the base model with the instruction withheld: of both replies, the one with the larger log p(reply | "
        "pictures, instruction) + weight * log p_base(reply | pictures) is taken. 0: no second reading. It takes three times as long.",
    )
    blind_model: str | None = Field(None, description="Folder (or hub id) of the blind reader. null: the base that training began with.")
    blind_revision: str | None = Field(None, description="Commit of a hub model that reads blind.")
    threshold: float = Field(
        0.0,
        ge=-1000,
        le=1000,
        description="An edit counts as changed when log p(true) - log p(false) of its verdict is above this. 0: the verifier's own verdict; higher lets "
        "less pass. Moving it reads nothing again; an edit that only a threshold below 0 lets pass keeps its instruction as asked.",
    )


class VerifySettings(VlmSettings):
    """Who decides whether a valid edit took place, and restates what it changed."""

    engine: Literal["auto", "simulated", "ssim", "transformers", "openai", "batch", "vllm"] = Field(
        "auto",
        description="`transformers` reads both pictures with a trained verifier, by default the one that this run trains. `openai` asks any OpenAI-compatible server, `batch` a "
        "provider's batch API at half the price and within a day; `vllm` runs one in the job. "
        "`ssim` measures similarity. `simulated` knows the truth of "
        "simulated edits and errs at the rates below: it is a stand-in, not a model. `auto`: `transformers` where library and editors are simulated, as "
        "the samples that a verifier is trained on by default; otherwise `simulated`, which real editors refuse: then one has to be named.",
    )
    transformers: TransformersSettings = Field(default_factory=TransformersSettings, description="Settings of the engine `transformers`.")
    simulated: SimulatedVerifierSettings = Field(
        default_factory=SimulatedVerifierSettings, description="Settings of the engine `simulated`."
    )
    ssim: SsimSettings = Field(default_factory=SsimSettings, description="Settings of the engine `ssim`.")
    attempts: int = Field(
        3,
        ge=1,
        le=10,
        description="Times an edit's question is asked until the reply fits; then its row is recorded as failed, with the reply.",
    )
    batch_size: int = Field(
        32,
        ge=1,
        le=4096,
        description="Edits handed to the engine at once. Decides no value, only speed and memory. The engine `batch` has `batch.rows` instead.",
    )
