"""Settings of the trained verifier's model."""

from typing import Literal

from pydantic import Field, model_validator

from unicedit.config.section import Section


class VerifierSettings(Section):
    """The model that is trained to verify: what it starts from, what it sees, how it answers."""

    base: str = Field(
        "models/tiny-base",
        description="Folder (or hub id, then with `revision`) of the vision-language model that training starts from: of the Qwen2.5-VL or Qwen3-VL "
        "class, with safetensors weights. The shipped one is tiny and knows the simulated world only; the paper's is Qwen/Qwen2.5-VL-7B-Instruct.",
    )
    revision: str | None = Field(None, description="Commit of the hub model; needed unless `base` is a folder. Jobs never download.")
    differential: Literal["none", "image", "latent"] = Field(
        "image",
        description="The visual differential context. `none`: source and edit alone. `image`: their signed difference as a third picture; stock vLLM serves "
        "it. `latent`: a residual inside the model, from the features of both, zero at first; stock vLLM cannot serve it. Our choice: the paper does "
        "not say how its context is built.",
    )
    reply: Literal["full", "short"] = Field(
        "full",
        description="`full`: the paper's chain of thought, both captions first. `short`: without captions, for cheap runs.",
    )
    max_pixels: int | None = Field(
        None,
        ge=28 * 28,
        le=28 * 28 * 16384,
        description="Pixels of a picture as the model sees it, at most; larger ones are scaled down. null: as the base's processor says.",
    )

    @model_validator(mode="after")
    def _named(self) -> "VerifierSettings":
        if not self.base:
            raise ValueError("`base` must name a model folder, or a hub model with its `revision`")
        return self
