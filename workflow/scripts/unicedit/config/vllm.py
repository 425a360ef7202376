"""Settings of vLLM, run offline in a process of its own."""

from typing import Any

from pydantic import Field

from unicedit.config.openai import SentPicturesSettings
from unicedit.config.section import Section


class VllmSettings(Section):
    """vLLM's offline engine (0.11 to 0.33): batched, with prefix caching and constrained decoding, on the GPUs that the job sees."""

    model: str | None = Field(
        None, min_length=1, description="Folder of the model, or its hub id, then with `revision`; needed where this engine is chosen."
    )
    revision: str | None = Field(None, description="Commit of a hub model; jobs never download, so fetch it beforehand.")
    python: str | None = Field(
        None,
        min_length=1,
        description="Interpreter of the environment that vLLM is installed in: it pins its own torch, so it has one to itself. null: the running one.",
    )
    tensor_parallel: int = Field(1, ge=1, le=64, description="GPUs that hold one copy of the model together.")
    memory: float = Field(0.9, gt=0, le=1, description="Share of each GPU's memory that vLLM may take.")
    max_length: int | None = Field(
        None, ge=256, description="Most tokens of a request with its reply. null: as the model was made for, which may not fit."
    )
    max_pictures: int = Field(3, ge=1, le=16, description="Most pictures of a request; room for them is kept in memory.")
    structured: bool = Field(
        True, description="Constrained decoding: the reply fits its JSON schema, token by token. Replies are checked all the same."
    )
    temperature: float = Field(0.0, ge=0, le=2, description="Of a first asking; a repeated one is drawn at 0.7 at least.")
    max_tokens: int = Field(4096, ge=1, le=200_000, description="Most tokens of a reply.")
    seed: int = Field(0, description="Seed of what is drawn, plus the number of the asking.")
    pictures: SentPicturesSettings = Field(default_factory=SentPicturesSettings, description="How pictures are handed over.")
    extra: dict[str, Any] = Field(
        default_factory=dict,
        description="Further arguments of vLLM's `LLM`, for instance `{quantization: awq, max_num_seqs: 64}`; they count as deciding replies.",
    )

    def deciding(self) -> dict[str, Any]:
        """What decides a reply: part of the recipe of its row, and of the key of a cached reply."""
        names = {"model", "revision", "structured", "temperature", "max_tokens", "seed", "pictures", "extra"}
        return self.model_dump(mode="json", include=names)
