"""Settings of verification."""

from typing import Literal

from pydantic import Field

from unicedit.config.section import Section


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


class VerifySettings(Section):
    """Who decides whether a valid edit took place, and restates what it changed."""

    engine: Literal["simulated", "ssim"] = Field(
        "simulated",
        description="`simulated` knows the truth of simulated edits and errs at the rates below: it is a stand-in, not a model. `ssim` "
        "measures similarity. The learned verifier comes through the same port.",
    )
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
    batch_size: int = Field(16, ge=1, le=4096, description="Edits handed to the engine at once. Decides no value, only speed and memory.")
