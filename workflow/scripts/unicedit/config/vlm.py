"""Settings that every stage with a vision-language model has."""

import sys
from typing import Self

from pydantic import Field, model_validator

from unicedit.config.batch import BatchSettings
from unicedit.config.openai import OpenAiSettings, PriceSettings
from unicedit.config.section import Section
from unicedit.config.vllm import VllmSettings


class VlmSettings(Section):
    """A section whose ``engine`` may be a vision-language model."""

    engine: str
    batch_size: int
    openai: OpenAiSettings = Field(default_factory=OpenAiSettings, description="Settings of the engine `openai`.")
    batch: BatchSettings = Field(default_factory=BatchSettings, description="Settings of the engine `batch`.")
    vllm: VllmSettings = Field(default_factory=VllmSettings, description="Settings of the engine `vllm`.")
    keep_replies: bool = Field(
        True,
        description="Keep replies that fit in `paths.cache`, so that no run asks (and pays) for the same reply again. Not of simulated engines, nor of a verifier trained here.",
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.engine == "openai" and not self.openai.model:
            raise ValueError("engine `openai` needs openai.model, the model's name as the server knows it")
        if self.engine == "batch" and not self.batch.model:
            raise ValueError("engine `batch` needs batch.model, the model's name as the provider knows it")
        if self.engine == "batch" and not self.keep_replies:
            raise ValueError(
                "engine `batch` needs keep_replies: true, for a job that is killed while it waits finds its batch in paths.cache"
            )
        if self.engine == "vllm" and not self.vllm.model:
            raise ValueError("engine `vllm` needs vllm.model, the folder of a model or its hub id")
        return self

    @property
    def price(self) -> PriceSettings | None:
        """What tokens cost by the chosen engine's settings; None: nobody is paid by the token."""
        if self.engine == "openai":
            return self.openai.price
        return self.batch.price if self.engine == "batch" else None

    @property
    def rows_at_once(self) -> int:
        """Rows handed to the engine at once: ``batch_size``, and for the engine `batch` all of a job unless ``batch.rows`` says less."""
        if self.engine != "batch":
            return self.batch_size
        return self.batch.rows or sys.maxsize

    @property
    def batches_at_once(self) -> int:
        """Batches asked at once: of the engine `openai` two, so that requests of the next one go out while the last replies of one are waited for."""
        return 2 if self.engine == "openai" else 1
