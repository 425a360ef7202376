"""Settings of an editor that runs in diffusers."""

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from unicedit.config.section import Section

# what each call is given by the engine, row by row
OWN_ARGUMENTS = (
    *("image", "prompt", "generator", "height", "width", "max_area", "_auto_resize"),
    *("output_type", "return_dict", "num_images_per_prompt", "latents"),
)


class LoraSettings(Section):
    """A low-rank adapter over the pipeline's weights, such as those that make few steps enough."""

    model: str = Field(min_length=1, description="Folder that holds it, or its hub id, then with `revision`.")
    weight_name: str = Field(
        pattern=r"^[^/\\]+\.safetensors$", description="Its file in that folder or repository; only safetensors are read."
    )
    revision: str | None = Field(None, description="Commit of a hub repository; jobs never download, so fetch it beforehand.")
    scale: float = Field(1.0, ge=-10, le=10, description="How strongly it counts; 1 as it was trained.")


class StepCacheSettings(Section):
    """Reuse of one denoising step's values in the next: faster, and not quite the same picture."""

    kind: Literal["first_block", "cache_dit"] = Field(
        "first_block",
        description="`first_block` comes with diffusers; `cache_dit` needs the package cache-dit, which is installed by hand.",
    )
    arguments: dict[str, Any] = Field(
        default_factory=dict,
        description="Arguments of diffusers' FirstBlockCacheConfig, for instance `{threshold: 0.08}`, or of cache-dit's DBCacheConfig.",
    )


class DiffusersSettings(Section):
    """Any image-editing pipeline of diffusers: FluxKontextPipeline, QwenImageEditPipeline, QwenImageEditPlusPipeline and others."""

    pipeline: str = Field(
        pattern=r"^[A-Z][A-Za-z0-9]{1,80}$",
        description="Name of a pipeline class of diffusers whose call takes a picture and an instruction; looked for in diffusers alone.",
    )
    model: str = Field(min_length=1, description="Folder of the pipeline with safetensors weights, or its hub id, then with `revision`.")
    revision: str | None = Field(None, description="Commit of a hub model; jobs never download, so fetch it beforehand.")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="Number format; `auto`: bfloat16 on a GPU, float32 on a CPU."
    )
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?|mps)$", description="`auto` takes a GPU where there is one.")
    offload: Literal["none", "model"] = Field(
        "none",
        description="`model`: parts of the pipeline wait in the computer's memory for their turn, for GPUs that cannot hold all at once.",
    )
    language: Literal["en", "cn"] = Field("en", description="Which form of the instruction the model is given.")
    pixels: int | None = Field(
        1_048_576,
        ge=1024,
        le=16_777_216,
        description="Area the model works at. Pictures within a tenth of it stay as they are, others are scaled to it; the edit is scaled back to its "
        "source's size. The default is what these models were trained at. null: each picture at its own size.",
    )
    arguments: dict[str, Any] = Field(
        default_factory=dict,
        description="Arguments of the pipeline's call, for instance `{num_inference_steps: 28, guidance_scale: 2.5}` or `{true_cfg_scale: 4.0, "
        "negative_prompt: ' '}`.",
    )
    scheduler: dict[str, Any] = Field(
        default_factory=dict, description="Changes to the scheduler's configuration, as some few-step adapters ask for."
    )
    lora: LoraSettings | None = Field(None, description="A low-rank adapter; null: none.")
    cache: StepCacheSettings | None = Field(None, description="Reuse between denoising steps; null: none, every step is computed.")
    compile: Literal["none", "blocks", "whole"] = Field(
        "none", description="torch.compile of the denoiser: its repeated `blocks` (compiled in seconds), or the `whole` (in minutes)."
    )
    batch_size: int = Field(
        1,
        ge=1,
        le=64,
        description="Most pictures edited in one call, all of one size. At one megapixel a large model gains little above 1. Each picture has noise of its own, so "
        "a batch gives what single calls give, up to rounding on a GPU.",
    )

    @field_validator("arguments")
    @classmethod
    def _left_to_us(cls, arguments: dict[str, Any]) -> dict[str, Any]:
        if own := sorted(set(arguments) & set(OWN_ARGUMENTS)):
            raise ValueError(f"{', '.join(own)}: the engine gives this itself, for each row; take it out")
        return arguments

    @model_validator(mode="after")
    def _rows_stay_apart(self) -> Self:
        if self.cache is not None and self.batch_size > 1:
            raise ValueError(
                f"batch_size is {self.batch_size}, and cache decides for a whole batch at once: a row would depend on its neighbours; set batch_size: 1"
            )
        return self

    def deciding(self) -> dict[str, Any]:
        """What decides an edit, beside the weights, which are among the row's inputs."""
        chosen = self.model_dump(mode="json", include={"pipeline", "dtype", "language", "pixels", "arguments", "scheduler", "cache"})
        return {**chosen, "lora": self.lora and self.lora.scale}
