"""What the settings of both trainings have in common."""

from typing import Literal

from pydantic import Field, model_validator

from unicedit.config.section import Section


class LoraSettings(Section):
    """Low-rank adapters in place of training all weights; the saved model has them merged."""

    rank: int = Field(
        64, ge=1, le=1024, description="Rank of each adapter; 64 comes close to full training at a few percent of its memory."
    )
    alpha: int = Field(128, ge=1, description="Adapters are scaled by alpha / rank; twice the rank is the usual choice.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout before each adapter, a probability.")
    target: str = Field(
        r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)",
        min_length=1,
        description="Regular expression over module names: the layers that get an adapter. The default names every attention and feed-forward "
        "layer of the language model.",
    )


class TrainingSettings(Section):
    """What decides the weights that a training ends with. How it is run, and on how many devices, is in `launch`."""

    steps: int | None = Field(None, ge=1, description="Updates of the weights; null: as many as `epochs` need.")
    epochs: float | None = Field(1.0, gt=0, le=1000, description="Passes over the data; null: `steps` says how long.")
    batch_size: int = Field(
        32,
        ge=1,
        le=65_536,
        description="Samples (or pairs) an update, over all devices. Devices and accumulation are chosen so that it holds.",
    )
    learning_rate: float = Field(5e-4, gt=0, le=1, description="Peak learning rate of AdamW.")
    schedule: Literal["cosine", "linear", "constant_with_warmup"] = Field(
        "cosine", description="Learning rate over the updates; cosine ends at zero."
    )
    warmup: float = Field(0.05, ge=0, le=1, description="Share of the updates over which the learning rate rises from zero.")
    weight_decay: float = Field(0.0, ge=0, le=1, description="AdamW's weight decay.")
    max_grad_norm: float = Field(1.0, gt=0, description="Gradients are scaled down to this norm.")
    withheld: float = Field(
        0.0, ge=0, le=1,
        description="Share of the rows that are asked without the given instruction, so that the verifier keeps reading the change from the "
        "pictures alone. Which rows is decided by their keys.",
    )  # fmt: skip
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto",
        description="Arithmetic of the forward pass; `auto`: bf16 on a GPU, fp32 on a CPU. Weights are updated in fp32 (with LoRA, the adapters).",
    )
    freeze_vision: bool = Field(
        True,
        description="Leave the vision tower as it is, which has learned to see beforehand: an update costs three fifths, and on validation the verifier is as good or better. "
        "The paper does not say which parts it trained.",
    )
    lora: LoraSettings | None = Field(None, description="Train low-rank adapters; null: train all weights.")
    seed: int = Field(0, ge=0, description="Seed of the order of the rows, of dropout and of the adapters.")

    @model_validator(mode="after")
    def _one_length(self) -> "TrainingSettings":
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("one of `steps` and `epochs` says how long to train, the other is null")
        return self
