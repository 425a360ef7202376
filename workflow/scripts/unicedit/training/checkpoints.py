"""The last checkpoint that a training can go on from."""

import re
import shutil
from pathlib import Path

_NAME = re.compile(r"checkpoint-(\d+)")
_LAST_WRITTEN = "trainer_state.json"


def last_checkpoint(folder: Path, *, tidy: bool) -> Path | None:
    """The newest whole checkpoint in ``folder``, None where there is none. ``tidy`` removes parts that a killed process left."""
    found: dict[int, Path] = {}
    for path in folder.glob("checkpoint-*") if folder.is_dir() else ():
        if match := _NAME.fullmatch(path.name):
            if (path / _LAST_WRITTEN).is_file():
                found[int(match[1])] = path
            elif tidy:
                shutil.rmtree(path, ignore_errors=True)
    return found[max(found)] if found else None
