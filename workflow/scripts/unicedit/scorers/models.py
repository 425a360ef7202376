"""Loading of scorer models: from a folder, or from the local hub cache at a pinned revision; safetensors only, no remote code."""

from pathlib import Path
from typing import Any

from unicedit.map.compute import EngineError


def device_of(name: str) -> str:
    """The torch device a setting names; ``auto`` takes the GPU where there is one."""
    import torch

    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


def load_pretrained(loader: Any, key: str, model: str, revision: str | None, **options: Any) -> Any:
    """``loader.from_pretrained`` on files that are at hand. Raises ``EngineError`` naming the setting and what to do."""
    local = Path(model).exists()
    if not local and revision is None:
        raise EngineError(f"config: {key} = {model!r}: no such folder, and a hub model needs {key.rsplit('.', 1)[0]}.revision (its commit)")
    try:
        return loader.from_pretrained(
            model, revision=None if local else revision, local_files_only=True, trust_remote_code=False, **options
        )
    except (OSError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise EngineError(
            f"config: {key} = {model!r}: cannot be loaded ({first}); download it beforehand, with safetensors weights and its preprocessor_config.json"
        ) from error
