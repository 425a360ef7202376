"""Loading a pipeline of diffusers by its class's name: files at hand only, safetensors only, no remote code."""

import inspect
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers

from unicedit.config.diffusers import DiffusersSettings, StepCacheSettings
from unicedit.edit.repairs import give_token_types, gives_cache_contexts, parts_without_torchvision
from unicedit.map.compute import EngineError
from unicedit.scorers.models import device_of

log = logging.getLogger(__name__)


def pipeline_class(name: str, editor: str) -> Any:
    """The class of diffusers with that name. Raises ``EngineError`` where there is none, or it is no pipeline that edits pictures by an instruction."""
    found = getattr(diffusers, name, None)
    if not inspect.isclass(found) or not issubclass(found, diffusers.DiffusionPipeline):
        raise EngineError(
            f"editor {editor}: diffusers.pipeline = {name!r}: diffusers {diffusers.__version__} has no such pipeline class; FluxKontextPipeline is one"
        )
    if not {"image", "prompt"} <= set(inspect.signature(found.__call__).parameters):
        raise EngineError(f"editor {editor}: diffusers.pipeline = {name!r}: its call takes no `image` with a `prompt`, so it edits nothing")
    return found


def accepted(pipeline: Any, arguments: Mapping[str, Any], editor: str) -> frozenset[str]:
    """The names of the arguments that a pipeline's call takes. Raises ``EngineError`` where ``arguments`` has others."""
    takes = inspect.signature(type(pipeline).__call__).parameters
    known = sorted(name for name, one in takes.items() if one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL) and name != "self")
    if unknown := sorted(set(arguments) - set(known)):
        raise EngineError(
            f"editor {editor}: diffusers.arguments has {', '.join(unknown)}, which {type(pipeline).__name__} does not take; it takes {', '.join(known)}"
        )
    return frozenset(known)


def load_pipeline(settings: DiffusersSettings, editor: str) -> Any:
    """The pipeline on its device, ready to edit. Raises ``EngineError`` that names the setting and what to do."""
    kind = pipeline_class(settings.pipeline, editor)
    device = device_of(settings.device)
    dtype = settings.dtype if settings.dtype != "auto" else "float32" if device == "cpu" else "bfloat16"
    key = f"editor {editor}: diffusers.model = {settings.model!r}"
    revision = _revision(settings.model, settings.revision, key)
    parts = _read(partial(parts_without_torchvision, kind), key, settings.model, revision=revision)
    pipeline = _read(kind.from_pretrained, key, settings.model, revision=revision, dtype=getattr(torch, dtype), **parts)
    pipeline.set_progress_bar_config(disable=True)
    give_token_types(pipeline)
    if settings.scheduler:
        _reschedule(pipeline, settings.scheduler, editor)
    if settings.lora:
        _adapt(pipeline, settings, editor)
    try:
        if settings.offload == "model":
            pipeline.enable_model_cpu_offload(device=device)
        else:
            pipeline.to(device)
    except (RuntimeError, AssertionError) as error:  # too little memory, or no such device
        said = " ".join(str(error).split())[:300]
        raise EngineError(f"{key}: cannot be put on {device} ({said}); another device, or `offload: model`, may hold it") from error
    if settings.cache:
        if float(settings.arguments.get("true_cfg_scale", 1.0)) > 1 and not gives_cache_contexts(pipeline):
            raise EngineError(
                f"editor {editor}: diffusers.cache: {settings.pipeline} does not keep the two calls of true_cfg_scale apart, and a cache would mix them; set one alone"
            )
        _cache(pipeline, settings.cache, editor)
    _compile(pipeline, settings.compile)
    return pipeline


def _revision(model: str, revision: str | None, key: str) -> str | None:
    local = Path(model).exists()
    if not local and (revision is None or model.startswith((".", "/", "~"))):
        raise EngineError(f"{key}: no such folder; a model of the hub needs its revision, and must be downloaded beforehand")
    return None if local else revision


def _read(reader: Any, key: str, model: str, **options: Any) -> Any:
    """``reader`` on files that are at hand."""
    from safetensors import SafetensorError

    try:
        with _whole(key):
            return reader(model, local_files_only=True, use_safetensors=True, trust_remote_code=False, **options)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, ImportError, SafetensorError) as error:
        said = " ".join(str(error).split())[:400]
        raise EngineError(
            f"{key}: cannot be loaded ({type(error).__name__}: {said}); download or copy the whole folder again, with safetensors weights"
        ) from error


@contextmanager
def _whole(key: str) -> Iterator[None]:
    """Without the libraries' bars. Raises ``EngineError`` where weights were missing: both libraries draw them at random, and only log it."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    listener = Listener(logging.WARNING)
    loggers = [logging.getLogger(name) for name in ("diffusers", "transformers")]
    for one in loggers:
        one.addHandler(listener)
    bars = (diffusers.utils.logging, transformers.utils.logging)
    for library in bars:
        library.disable_progress_bar()
    try:
        yield
    finally:
        for one in loggers:
            one.removeHandler(listener)
        for library in bars:
            library.enable_progress_bar()
    if lacking := [text for text in said if "newly initialized" in text]:
        raise EngineError(f"{key}: weights are missing ({' '.join(lacking[0].split())[:300]}); download or copy the whole folder again")


def _reschedule(pipeline: Any, changes: Mapping[str, Any], editor: str) -> None:
    kind = type(pipeline.scheduler)
    known = sorted(set(inspect.signature(kind.__init__).parameters) - {"self"})
    if unknown := sorted(set(changes) - set(known)):
        raise EngineError(
            f"editor {editor}: diffusers.scheduler has {', '.join(unknown)}, which {kind.__name__} does not take; it takes {', '.join(known)}"
        )
    pipeline.scheduler = kind.from_config(pipeline.scheduler.config, **changes)


def _adapt(pipeline: Any, settings: DiffusersSettings, editor: str) -> None:
    lora = settings.lora
    assert lora is not None
    key = f"editor {editor}: diffusers.lora.model = {lora.model!r}"
    if not hasattr(pipeline, "load_lora_weights"):
        raise EngineError(f"{key}: {settings.pipeline} takes no low-rank adapter; take diffusers.lora out")
    revision = _revision(lora.model, lora.revision, key)
    name = "adapter"
    _read(pipeline.load_lora_weights, key, lora.model, revision=revision, weight_name=lora.weight_name, adapter_name=name)
    if not any(name in adapters for adapters in pipeline.get_list_adapters().values()):
        raise EngineError(f"{key}: {lora.weight_name} changes no part of {settings.pipeline}; it is another model's")
    pipeline.set_adapters([name], [lora.scale])


def _denoiser(pipeline: Any) -> Any:
    return getattr(pipeline, "transformer", None) or getattr(pipeline, "unet", None)


def _cache(pipeline: Any, settings: StepCacheSettings, editor: str) -> None:
    key = f"editor {editor}: diffusers.cache"
    try:
        if settings.kind == "cache_dit":
            try:
                import cache_dit
            except ImportError as error:
                raise EngineError(
                    f"{key}.kind = 'cache_dit': the package cache-dit is not installed ({error}); `pip install cache-dit` where the job runs, or first_block"
                ) from error
            cache_dit.enable_cache(pipeline, cache_config=cache_dit.DBCacheConfig(**settings.arguments))
            return
        denoiser = _denoiser(pipeline)
        if not hasattr(denoiser, "enable_cache"):
            raise EngineError(f"{key}: {type(denoiser).__name__} has no cache between steps; take diffusers.cache out")
        denoiser.enable_cache(diffusers.FirstBlockCacheConfig(**settings.arguments))
    except (TypeError, ValueError) as error:
        raise EngineError(f"{key}.arguments = {settings.arguments}: {error}") from error


def _compile(pipeline: Any, what: str) -> None:
    denoiser = _denoiser(pipeline)
    if what == "whole":
        denoiser.compile()
    elif what == "blocks" and getattr(denoiser, "_repeated_blocks", None):
        denoiser.compile_repeated_blocks()
    elif what == "blocks":
        log.warning("%s does not say which of its blocks repeat; it is compiled as a whole", type(denoiser).__name__)
        denoiser.compile()
