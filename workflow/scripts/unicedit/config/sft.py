"""Settings of supervised fine-tuning."""

from typing import Literal

from pydantic import Field

from unicedit.config.training import TrainingSettings


class SftSettings(TrainingSettings):
    """Supervised fine-tuning: the verifier learns the reply (paper section on Qwen-Verify, first step; about 200k samples there)."""

    kinds: list[Literal["normal", "no_edit", "hallucination", "failed"]] = Field(
        ["normal", "no_edit"],
        min_length=1,
        description="Kinds of samples it trains on. Normal and No Edit as in the paper; Hallucination among them is a control of Table 5.",
    )
