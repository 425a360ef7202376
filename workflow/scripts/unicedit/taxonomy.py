"""The tasks and sub-tasks of editing, as config/taxonomy.yaml defines them (paper section on the data pipeline; issue 3, item 5)."""

import functools
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from unicedit.errors import PipelineError

REASONING = "Reasoning Editing"  # its sub-tasks carry reasoning points

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z -]{1,59}$")]


class TaxonomyError(PipelineError):
    """The taxonomy file cannot be used; one line a fault, each with the file, the entry and what is allowed."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Example(_Entry):
    """An instruction, in English and Chinese."""

    en: Text
    cn: Text


class Subtask(_Entry):
    """A kind of edit. ``impossible_when`` says what makes it impossible for a picture."""

    name: Name
    name_cn: Text
    definition: Text
    examples: tuple[Example, ...] = Field(min_length=1, max_length=10)
    impossible_when: Text


class Task(_Entry):
    """A group of sub-tasks."""

    name: Name
    name_cn: Text
    subtasks: tuple[Subtask, ...] = Field(min_length=1)


class Taxonomy(_Entry):
    """All tasks, in the file's order; no two tasks and no two sub-tasks have the same name."""

    tasks: tuple[Task, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for kind, names in (("task", [task.name for task in self.tasks]), ("sub-task", self.names)):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{kind} {twice[0]!r} is there more than once")
        return self

    @property
    def names(self) -> list[str]:
        """Names of all sub-tasks."""
        return [subtask.name for task in self.tasks for subtask in task.subtasks]

    @functools.cached_property
    def subtasks(self) -> dict[str, Subtask]:
        """Sub-tasks by name."""
        return {subtask.name: subtask for task in self.tasks for subtask in task.subtasks}

    @functools.cached_property
    def task_of(self) -> dict[str, str]:
        """The task's name for each sub-task's name."""
        return {subtask.name: task.name for task in self.tasks for subtask in task.subtasks}

    def reasons(self, subtask: str) -> bool:
        """Whether a sub-task's instructions carry reasoning points."""
        return self.task_of[subtask] == REASONING


def _place(path: tuple[int | str, ...], values: object) -> str:
    """An entry's path with names in place of numbers: ``tasks[Scene Editing].subtasks[Style Transfer].definition``."""
    shown = ""
    for part in path:
        inside = _inside(values, part)
        if isinstance(part, int):
            name = inside.get("name") if isinstance(inside, dict) else None
            shown += f"[{name if isinstance(name, str) else part + 1}]"
        else:
            shown += f".{part}" if shown else part
        values = inside
    return shown or "file"


def _inside(values: object, part: int | str) -> object:
    if isinstance(values, dict):
        return values.get(part)
    return values[part] if isinstance(values, list) and isinstance(part, int) and part < len(values) else None


def load(path: str | Path) -> Taxonomy:
    """Read a taxonomy file. Raises ``TaxonomyError`` that names the file and the entry."""
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise TaxonomyError(f"{path}: cannot be read ({error.strerror}); the shipped one is config/taxonomy.yaml") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TaxonomyError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from error
    try:
        return Taxonomy.model_validate(values)
    except ValidationError as error:
        lines = (f"{path}: {_place(one['loc'], values)}: {one['msg'].removeprefix('Value error, ')}" for one in error.errors())
        raise TaxonomyError("\n".join(lines)) from error
