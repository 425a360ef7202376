"""Settings of differential direct preference optimisation."""

from typing import Literal

from pydantic import Field, model_validator

from unicedit.config.training import TrainingSettings

Loss = Literal[
    "sigmoid", "sft", "hinge", "ipo", "exo_pair", "nca_pair", "robust", "bco_pair", "sppo_hard", "aot", "aot_unpaired", "apo_zero",
    "apo_down", "discopop", "sigmoid_norm",
]  # fmt: skip


class D2poSettings(TrainingSettings):
    """Preference pairs over all kinds of samples, with the frozen SFT model as reference (paper section on Qwen-Verify, second step; about 20k pairs there)."""

    steps: int | None = Field(
        48,
        ge=1,
        description="Updates of the weights; null: as many as `epochs` need. 48 see each of the default run's 768 pairs once.",
    )
    epochs: float | None = Field(
        None, gt=0, le=1000, description="Passes over the pairs; null: `steps` says how long. The full Table 5 needs `steps`."
    )
    batch_size: int = Field(16, ge=1, le=65_536, description="Pairs an update, over all devices.")
    learning_rate: float = Field(
        1e-4,
        gt=0,
        le=1,
        description="Peak learning rate of AdamW. Published nowhere; chosen on the default run's validation split among 0.00005, 0.0001 and 0.0002. With the sigmoid term "
        "alone a tenth of this is safe.",
    )
    beta: float = Field(
        0.3, gt=0, le=100, description="Strength of the tie to the reference, beta in the paper's equation. Its value is published nowhere."
    )
    losses: dict[Loss, float] = Field(
        {"sigmoid": 1.0, "sft": 30.0},
        min_length=1,
        description="Terms of the loss and their weights, by trl's names. `sigmoid` alone is the paper's; `sft` is the cross-entropy of the preferred reply, "
        "without which its probability may fall as long as the other's falls faster. `sigmoid` sums over a reply's hundred tokens and `sft` is their mean: with equal weights "
        "the tiny verifier forgets how to close its brackets (21% of 450 validation replies at a rate of 0.0002, against 0.4% at 30). A weight of 0 leaves a term out. `sft` "
        "alone is a control of Table 5.",
    )
    wordings: int = Field(
        1,
        ge=1,
        le=6,
        description="Right wordings of what changed that are preferred to a pair's rejected reply, each in a pair of its own, as far as the samples list them; "
        "1: the one wording alone. A row without others is repeated as often, so that the kinds keep their shares.",
    )
    ranked: bool = Field(
        False, description="With several `wordings`: the first is preferred to each of the others too, so that right answers are ranked."
    )
    unchanged: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Share of the pairs about a real change whose rejected reply says that nothing changed. With 0, as in the paper, every rejected reply claims a "
        "change: training then lowers the claim itself, and real changes are overlooked more often (23% of 300 "
        "validation samples not told right against 8%, at a learning rate of 0.0002 after SFT at 0.0005).",
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=0.5, description="Share of pairs taken for wrongly labelled, for the terms `robust` and `exo_pair`."
    )

    @model_validator(mode="after")
    def _terms_fit(self) -> "D2poSettings":
        if not any(weight > 0 for weight in self.losses.values()):
            raise ValueError("one term of `losses` needs a weight above 0")
        if "exo_pair" in self.losses and not self.label_smoothing:
            raise ValueError("the term exo_pair needs `label_smoothing` above 0; its paper recommends 0.001")
        return self
