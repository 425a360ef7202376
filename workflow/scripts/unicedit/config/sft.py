"""Settings of supervised fine-tuning."""

from typing import Literal

from pydantic import Field

from unicedit.config.training import TrainingSettings


class SftSettings(TrainingSettings):
    """Supervised fine-tuning: the verifier learns the reply (paper section on Qwen-Verify, first step; about 200k samples there)."""

    steps: int | None = Field(
        80,
        ge=1,
        description="Updates of the weights; null: as many as `epochs` need. 80 see each of the default run's 2,600 samples about once.",
    )
    epochs: float | None = Field(
        None, gt=0, le=1000, description="Passes over the data; null: `steps` says how long. The full Table 5 needs `steps`."
    )
    learning_rate: float = Field(
        3e-3,
        gt=0,
        le=1,
        description="Peak learning rate of AdamW. 0.003 suits the tiny base (chosen on validation among 0.002, 0.003 and 0.005); models of billions of weights want "
        "a hundredth of it and less.",
    )
    kinds: list[Literal["normal", "no_edit", "hallucination", "failed"]] = Field(
        ["normal", "no_edit"],
        min_length=1,
        description="Kinds of samples it trains on. Normal and No Edit as in the paper; Hallucination among them is a control of Table 5.",
    )
