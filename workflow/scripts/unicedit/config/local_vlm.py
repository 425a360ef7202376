"""Settings of a vision-language model that runs in the job's own process."""

from typing import Any, Literal

from pydantic import Field

from unicedit.config.section import Section


class LocalVlmSettings(Section):
    """A Qwen2.5-VL or Qwen3-VL checkpoint through transformers, on a CPU or a GPU. For many rows on large GPUs a server behind `openai` is faster."""

    model: str | None = Field(
        None, min_length=1, description="Folder of the model, or its hub id, then with `revision`; needed where this engine is chosen."
    )
    revision: str | None = Field(None, description="Commit of a hub model; jobs never download, so fetch it beforehand.")
    batch_size: int = Field(8, ge=1, le=1024, description="Requests the model reads at once, those of like length together.")
    max_new_tokens: int = Field(2048, ge=1, le=100_000, description="Most tokens of a reply.")
    max_pixels: int | None = Field(
        None, ge=784, description="Larger pictures are made smaller to so many pixels. null: as the model's processor does."
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="Number format; `auto`: bfloat16 on a GPU, float32 on a CPU."
    )
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?|mps)$", description="`auto` takes a GPU where there is one.")

    def deciding(self) -> dict[str, Any]:
        """What decides a reply, beside the weights."""
        return self.model_dump(mode="json", include={"max_new_tokens", "max_pixels", "dtype"})
