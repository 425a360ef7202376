"""Opening the vision-language model that a stage's settings name."""

from dataclasses import dataclass
from pathlib import Path

from unicedit.config.instruct import InstructSettings
from unicedit.config.judge import JudgeSettings
from unicedit.config.local_vlm import LocalVlmSettings
from unicedit.config.openai import ServedSettings
from unicedit.config.vllm import VllmSettings
from unicedit.config.vlm import VlmSettings
from unicedit.vlm.port import VlmEngine


@dataclass(frozen=True, slots=True)
class VlmPlaces:
    """Where replies are kept between runs, and where a stage's accounts lie; None: nowhere."""

    cache: Path | None = None
    usage: Path | None = None


NOWHERE = VlmPlaces()


def open_vlm(settings: VlmSettings, places: VlmPlaces) -> VlmEngine:
    """The engine behind ``engine``, one that any stage may ask. What it needs is imported here and nowhere else."""
    cache = places.cache if settings.keep_replies else None
    if settings.engine == "openai":
        from unicedit.vlm.openai import OpenAiEngine

        return OpenAiEngine(settings.openai, cache, places.usage)
    if settings.engine == "batch":
        from unicedit.vlm.batch.engine import BatchEngine

        return BatchEngine(settings.batch, cache, places.usage)
    if settings.engine == "vllm":
        from unicedit.vlm.vllm import VllmEngine

        return VllmEngine(settings.vllm, cache)
    assert isinstance(settings, InstructSettings | JudgeSettings), f"no engine {settings.engine} here"
    from unicedit.vlm.transformers import TransformersEngine

    return TransformersEngine(settings.transformers, cache)


def _own(settings: VlmSettings) -> ServedSettings | VllmSettings | LocalVlmSettings:
    if isinstance(settings, InstructSettings | JudgeSettings) and settings.engine == "transformers":
        return settings.transformers
    if settings.engine == "vllm":
        return settings.vllm
    return settings.batch if settings.engine == "batch" else settings.openai


def engine_modules(settings: VlmSettings) -> list[str]:
    """The modules that decide its replies, for a recipe."""
    if settings.engine == "batch":  # what goes up and comes back decides, not how batches are carried
        return [f"unicedit.vlm.{'gemini' if settings.batch.provider == 'gemini' else 'completion'}"]
    return [f"unicedit.vlm.{settings.engine}"]


def engine_settings(settings: VlmSettings) -> dict[str, object]:
    """The settings that decide its replies, for a recipe. The weights of a model at hand are among its rows' inputs."""
    return _own(settings).deciding()


def weights_of(settings: VlmSettings) -> list[str]:
    """Digests of the weights that a real engine answers with, where they are at hand."""
    own = _own(settings)
    if isinstance(own, ServedSettings) or settings.engine not in ("vllm", "transformers"):
        return []
    from unicedit.verifier.identity import model_digest

    return [model_digest(str(own.model), own.revision)]
