"""Where things are kept."""

import os
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from unicedit.config.section import Section
from unicedit.errors import PipelineError

_OURS = ("index", "ingest", "dataset", ".kept")  # any of these in a results folder tells of an earlier run
_ALWAYS = ("logs", "benchmarks")  # there before the first job


class PathsSettings(Section):
    """Folders, relative to the working directory or absolute. On a cluster all of them lie on a file system that every node sees."""

    results: str = Field("results", min_length=1, description="Tables, dataset and reports: what a run is for. The large file system.")
    scratch: str = Field(
        "scratch",
        min_length=1,
        description="Journals and progress records of running jobs, removed when a shard is sealed. The fast file system, if there are two.",
    )
    cache: str = Field("cache", min_length=1, description="Downloaded models and cached replies, shared between runs.")

    @field_validator("results", "scratch", "cache")
    @classmethod
    def _plain(cls, path: str) -> str:
        if not path.isprintable() or path != path.strip() or path.startswith("-") or any(sign in path for sign in "{}"):
            raise ValueError(
                "a folder's path has no braces (wildcards to Snakemake), control characters or spaces at its ends, and no dash first"
            )
        return os.path.normpath(os.path.expanduser(path))

    @model_validator(mode="after")
    def _apart(self) -> Self:
        for one, other in (("results", "scratch"), ("results", "cache"), ("scratch", "cache")):
            if getattr(self, one) == getattr(self, other):
                raise ValueError(
                    f"{one} and {other} are one folder; they must be two, for what is in scratch and cache may be removed at any time"
                )
        return self


def check_folders(results: str, scratch: str) -> None:
    """What only the file system can tell: that the folders can be written, and that results holds nothing else. Raises ``PipelineError``."""
    for name, folder in (("results", Path(results)), ("scratch", Path(scratch))):
        there = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
        if not there.is_dir():
            raise PipelineError(f"config: paths.{name} = {str(folder)!r}: {there} is no folder; a folder that can be written is allowed")
        if not os.access(there, os.W_OK | os.X_OK):
            raise PipelineError(f"config: paths.{name} = {str(folder)!r}: {there} cannot be written; a folder that can be is allowed")
    there = Path(results)
    if there.is_dir() and not any((there / name).exists() for name in _OURS):
        others = sorted(path.name for path in there.iterdir() if path.name not in _ALWAYS)
        if others:
            raise PipelineError(
                f"config: paths.results = {results!r}: holds {', '.join(others[:3])} and no earlier run; name a new or an empty folder"
            )
