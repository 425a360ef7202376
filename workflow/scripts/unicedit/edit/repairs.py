"""What pipelines of diffusers 0.42 get wrong for us, put right from outside."""

import inspect
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from transformers.utils import is_torchvision_available


def give_token_types(pipeline: Any) -> None:
    """Tell a Qwen-VL text encoder which tokens stand for pictures, as its processor does and the Qwen edit pipelines do not pass on.

    Under transformers 5 a Qwen-VL model without ``mm_token_type_ids`` falls back to the positions of plain text, and the edit is conditioned on wrong
    positions without an error (diffusers issue 14194). A pipeline that passes them itself is left alone.
    """
    encoder = getattr(pipeline, "text_encoder", None)
    if not isinstance(encoder, torch.nn.Module) or "mm_token_type_ids" not in inspect.signature(encoder.forward).parameters:
        return

    def complete(module: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        tokens = named.get("input_ids")
        if tokens is not None and named.get("image_grid_thw") is not None and named.get("mm_token_type_ids") is None:
            # 1 is a picture's token; the pipelines know no videos
            named = {**named, "mm_token_type_ids": (tokens == module.config.image_token_id).int()}
        return arguments, named

    encoder.register_forward_pre_hook(complete, with_kwargs=True)


@contextmanager
def working_at(pipeline: Any, size: tuple[int, int]) -> Iterator[None]:
    """While the block runs, a pipeline that works out its picture's size from a fixed area works at ``size`` (width, height).

    The Qwen edit pipelines force about one megapixel through a function of their module, ``calculate_dimensions(area, ratio)``. The smaller picture that
    Edit-Plus shows its text encoder keeps its own area.
    """
    module = sys.modules[type(pipeline).__module__]
    theirs = getattr(module, "calculate_dimensions", None)
    if theirs is None:
        yield
        return
    condition = getattr(module, "CONDITION_IMAGE_SIZE", None)

    def ours(area: float, ratio: float) -> tuple[Any, ...]:
        made: tuple[Any, ...] = theirs(area, ratio)
        return made if area == condition else (*size, *made[2:])

    module.calculate_dimensions = ours  # type: ignore[attr-defined]
    try:
        yield
    finally:
        module.calculate_dimensions = theirs  # type: ignore[attr-defined]


def cache_context(pipeline: Any) -> AbstractContextManager[Any]:
    """What a cache between steps asks for around the denoiser's calls, and Kontext's pipeline does not give. Where a pipeline gives its own, those count."""
    context = getattr(getattr(pipeline, "transformer", None), "cache_context", None)
    return context("edit") if context is not None else nullcontext()


def gives_cache_contexts(pipeline: Any) -> bool:
    """Whether a pipeline keeps guided and unguided calls of its denoiser apart, so that a cache does not mix them."""
    return "cache_context" in inspect.unwrap(type(pipeline).__call__).__code__.co_names


def parts_without_torchvision(kind: Any, model: str, revision: str | None = None, **_: Any) -> dict[str, Any]:
    """Parts of a pipeline that do not load where torchvision is missing, loaded so that they do: the processor of a Qwen-VL text encoder."""
    wanted = inspect.signature(kind.__init__).parameters.get("processor")
    if is_torchvision_available() or wanted is None or "VLProcessor" not in str(wanted.annotation):
        return {}
    from unicedit.verifier.processor import Qwen2_5_VLProcessor

    return {"processor": Qwen2_5_VLProcessor.from_pretrained(model, subfolder="processor", revision=revision, local_files_only=True)}
