"""Which pictures are worth editing."""

from typing import Literal

from pydantic import Field, model_validator

from unicedit.config.section import Section


class AestheticSettings(Section):
    """An aesthetic predictor; needs its weights on disk: `make fetch-models` beforehand, for jobs never download."""

    predictor: Literal["siglip_v2_5", "laion"] = Field(
        "siglip_v2_5",
        description="`siglip_v2_5`: aesthetic-predictor-v2.5 over SigLIP; `laion`: the LAION predictor over CLIP ViT-L/14. The paper names neither.",
    )
    model: str = Field(
        "",
        description="Folder (or hub id, then with `revision`) of the vision model: google/siglip-so400m-patch14-384, or openai/clip-vit-large-patch14.",
    )
    revision: str | None = Field(None, description="Commit of the hub model; needed unless `model` is a folder.")
    head: str = Field(
        "",
        description="Safetensors file of the predictor's head; `python -m unicedit.scorers.convert_aesthetic` makes it from the published .pth.",
    )
    device: str = Field("auto", description="`auto`, `cpu` or `cuda`.")
    dtype: Literal["float32", "bfloat16", "float16"] = Field(
        "float32", description="Precision of the vision model; bfloat16 halves time and memory on a GPU."
    )
    min_score: float = Field(
        5.5,
        ge=0,
        le=10,
        description="Pictures that score less are rejected. Our choice (the field uses 5 to 6.5): the paper's threshold is unknown.",
    )

    @model_validator(mode="after")
    def _complete(self) -> "AestheticSettings":
        if not self.model or not self.head:
            raise ValueError("`model` and `head` must name the vision model and the predictor's head (a safetensors file)")
        return self


class SafetySettings(Section):
    """An image classifier that gives the probability of unsafe content; needs its weights on disk: `make fetch-models` beforehand."""

    model: str = Field(
        "", description="Folder (or hub id, then with `revision`) of an image classification model with safetensors weights."
    )
    revision: str | None = Field(None, description="Commit of the hub model; needed unless `model` is a folder.")
    unsafe_labels: list[str] = Field(
        ["nsfw"], min_length=1, description="Labels of the classifier that count as unsafe; their probabilities are added."
    )
    device: str = Field("auto", description="`auto`, `cpu` or `cuda`.")
    max_probability: float = Field(
        0.5, ge=0, le=1, description="Pictures with a higher probability are rejected; 0.5 is the classifier's own verdict."
    )

    @model_validator(mode="after")
    def _complete(self) -> "SafetySettings":
        if not self.model:
            raise ValueError("`model` must name the classifier")
        return self


class PrefilterSettings(Section):
    """Scores of the pictures and what they must reach. The default scores technical quality (sharpness, contrast, exposure), not aesthetics, and does not score safety."""

    min_quality: float = Field(
        3.0,
        ge=0,
        le=10,
        description="Pictures of lower technical quality are rejected; 3 drops the clearly blurred, flat or burnt out and leaves the rest to taste.",
    )
    aesthetic: AestheticSettings | None = Field(
        None, description="Aesthetic predictor, as the paper prefilters by; null: aesthetics are not scored (no weights come along)."
    )
    safety: SafetySettings | None = Field(
        None, description="Safety classifier; null: safety is not scored (no weights come along), which the dataset card says."
    )
    exclude: tuple[str, ...] = Field(
        (),
        description="Benchmarks whose pictures must not be trained on: what looks like one of theirs is rejected. `benchmark` is the configured one, other names are those of "
        "`contamination.benchmarks`. In the simulated world all pictures are drawn on the same few photographs, so that excluding its benchmark leaves next to nothing.",
    )
    batch_size: int = Field(16, ge=1, le=4096, description="Pictures scored together.")
