"""What is wrong with the settings of editors before any job runs, beyond what their types can tell.

Nothing heavy is imported here: every Slurm job parses the Snakefile again.
"""

import importlib.util
import re
from pathlib import Path

from unicedit.config.edit import EditorSettings
from unicedit.config.model import Config, ConfigError


def check_editors(config: Config) -> None:
    """Raises ``ConfigError`` for a verifier that cannot know what the editors did, and for a pipeline class that diffusers does not have."""
    real = [editor.name for editor in config.edit.editors if editor.engine != "simulated"]
    if real and config.verify.engine == "simulated":
        raise ConfigError(
            f"config: verify.engine = 'simulated': it knows simulated edits alone, and {', '.join(real)} is a real editor; choose openai, vllm, transformers or ssim"
        )
    named: dict[str, EditorSettings] = {f"edit.editors.{number}": editor for number, editor in enumerate(config.edit.editors)}
    named |= {f"benchmark.models.{number}": model for number, model in enumerate(config.benchmark.models) if model.run}
    for key, editor in named.items():
        if editor.engine == "diffusers" and editor.diffusers and not _is_class(editor.diffusers.pipeline):
            raise ConfigError(
                f"config: {key}.diffusers.pipeline = {editor.diffusers.pipeline!r}: diffusers has no such class; "
                "FluxKontextPipeline and QwenImageEditPipeline are two"
            )


def _is_class(name: str) -> bool:
    """Whether diffusers lists a class of that name; True where it is not installed here, for a job's own environment may have it."""
    found = importlib.util.find_spec("diffusers")
    if found is None or found.origin is None:
        return True
    return re.search(rf'"{re.escape(name)}"', Path(found.origin).read_text(encoding="utf-8")) is not None
