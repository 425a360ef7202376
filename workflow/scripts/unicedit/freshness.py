"""Which sealed files are fresh, told from their sidecars, where Snakemake's own records may be gone (design section 5).

Snakemake records params and input checksums in ``.snakemake``. A results folder that was copied elsewhere, or a fresh checkout over old results, has none: then times
alone would decide. So the head process compares every sidecar with today's digests and settles it in the files' times: a fresh file is made younger than its
inputs, a stale one older than all. Both are harmless where Snakemake's records exist, and in a dry run.

A sidecar whose table is gone says nothing any more, but to Snakemake it is a file like any other: whoever takes it for an input would find no table. It is hidden,
so that the job that makes both is planned where either is needed, and put back at the end where none was.
"""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from unicedit.files import read_json
from unicedit.sidecar import content_of

STALE_TIME = 86_400  # seconds since the epoch: 2 January 1970, older than any input
TICK = 1_000_000  # nanoseconds: Snakemake takes an input of the very time of an output for newer


def _read(path: Path) -> dict[str, Any] | None:
    try:
        value = read_json(path)
    except (FileNotFoundError, ValueError):
        return None
    return value if isinstance(value, dict) else None


class Freshness:
    """Looks at stages in the order of the pipeline, so that a stage's inputs are settled before it."""

    def __init__(self) -> None:
        self._content: dict[str, str | None] = {}
        self._times: dict[str, int] = {}
        self.stale: list[Path] = []
        self.hidden: list[Path] = []

    def _content_of(self, path: str) -> str | None:
        if path not in self._content:
            try:
                self._content[path] = content_of(Path(path))
            except (FileNotFoundError, ValueError):
                self._content[path] = None
        return self._content[path]

    def _time_of(self, path: str) -> int:
        if path not in self._times:
            self._times[path] = os.stat(path).st_mtime_ns
        return self._times[path]

    def settle(self, made: Iterable[tuple[Path, ...]], code: str, settings: str) -> None:
        """Settle what each job of one stage made, sidecar first, then its table (the benchmark record counts as output too), given today's digests of code and settings."""
        with ThreadPoolExecutor(8) as readers:
            listed = list(made)
            for (sidecar, *others), value in zip(listed, readers.map(lambda files: _read(files[0]), listed), strict=True):
                if value is None or "set_aside" in value:  # missing, or marked to be made again: Snakemake sees either by itself
                    continue
                self._content[str(sidecar)] = value.get("sha256")
                files = [sidecar, *(_dated(path) for path in others if path.exists())]
                if not others[0].exists():
                    self._hide(sidecar)
                    continue
                folder = str(sidecar.parent)
                inputs = {os.path.normpath(os.path.join(folder, name)): content for name, content in value.get("inputs", {}).items()}
                fresh = value.get("code") == code and value.get("settings") == settings
                fresh = fresh and all(self._content_of(path) == content for path, content in inputs.items())
                own = min(self._time_of(str(path)) for path in files)
                if not fresh:
                    self.stale.append(sidecar)
                    wanted = STALE_TIME * 1_000_000_000
                else:
                    wanted = max([own, *(self._time_of(path) + TICK for path in inputs)])
                if wanted != own:
                    for path in files:
                        os.utime(path, ns=(wanted, wanted))
                        self._times[str(path)] = wanted

    def _hide(self, sidecar: Path) -> None:
        self._time_of(str(sidecar))  # of what was made from it is told as before
        os.replace(sidecar, _hidden(sidecar))
        self.hidden.append(sidecar)

    def unhide(self) -> None:
        """Put hidden sidecars back, unless there are new ones by now."""
        for sidecar in self.hidden:
            with suppress(FileNotFoundError):
                if sidecar.exists():
                    _hidden(sidecar).unlink()
                else:
                    os.replace(_hidden(sidecar), sidecar)
        self.hidden.clear()


def _dated(path: Path) -> Path:
    """Whose time Snakemake takes for a file's or folder's: of a folder that a job made, that of a file it puts there."""
    stamp = path / ".snakemake_timestamp"
    return stamp if stamp.exists() else path


def _hidden(sidecar: Path) -> Path:
    return sidecar.with_name(f".{sidecar.name}.gone")
