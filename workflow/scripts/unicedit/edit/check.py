"""What is wrong with the settings of editors before any job runs, beyond what their types can tell.

Nothing heavy is imported here: every Slurm job parses the Snakefile again.
"""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

from unicedit.config.edit import EditorSettings
from unicedit.config.model import Config
from unicedit.errors import ConfigError
from unicedit.program.find import check_program


def check_editors(config: Config) -> None:
    """Raises ``ConfigError`` for a verifier that cannot know what the editors did, a pipeline class that diffusers does not have, a folder or a program that is not there."""
    real = [editor.name for editor in config.edit.editors if editor.engine != "simulated"]
    if real and config.verify.engine == "simulated":
        raise ConfigError(
            f"config: verify.engine = 'simulated' (or 'auto', which comes to it here): it knows simulated edits alone, and {', '.join(real)} is a real editor; "
            "choose openai, vllm, ssim, or transformers with a `model` or a `verifier.base` that knows photographs"
        )
    for key, editor in editors_of(config):
        if editor.engine == "python" and editor.python:
            check_program(editor.python, f"{key}.python")
        if editor.engine == "images" and editor.images and not Path(editor.images.folder).is_dir():
            raise ConfigError(f"config: {key}.images.folder = {editor.images.folder!r}: no such folder")
        if editor.engine == "diffusers" and editor.diffusers and not _is_class(editor.diffusers.pipeline):
            raise ConfigError(
                f"config: {key}.diffusers.pipeline = {editor.diffusers.pipeline!r}: diffusers has no such class; "
                "FluxKontextPipeline and QwenImageEditPipeline are two"
            )


def editors_of(config: Config) -> Iterator[tuple[str, EditorSettings]]:
    """Every editor that is to run, with the key of its settings: those of the edit stage, and the benchmark's models."""
    yield from ((f"edit.editors.{number}", editor) for number, editor in enumerate(config.edit.editors))
    if config.benchmark.source != "none":
        yield from ((f"benchmark.models.{number}", model) for number, model in enumerate(config.benchmark.models) if model.run)


def _is_class(name: str) -> bool:
    """Whether diffusers lists a class of that name; True where it is not installed here, for a job's own environment may have it."""
    found = importlib.util.find_spec("diffusers")
    if found is None or found.origin is None:
        return True
    return re.search(rf'"{re.escape(name)}"', Path(found.origin).read_text(encoding="utf-8")) is not None
