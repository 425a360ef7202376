"""A record of the benchmark as its file has it, and what all of them together must be."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from unicedit.errors import PipelineError
from unicedit.taxonomy import REASONING
from unicedit.vlm.reply import clean

MOST_FAULTS = 5  # told at once


class BenchmarkError(PipelineError):
    """A benchmark that cannot be used: file, row, fault and remedy."""


def _line(text: str) -> str:
    cleaned = clean(text)
    if not 1 <= len(cleaned) <= 2000:
        raise ValueError(f"{len(cleaned)} characters, 1 to 2000 are allowed")
    return cleaned


def _inside(path: str) -> str:
    if path.startswith("/") or "\\" in path or "\0" in path or any(part in ("", ".", "..") for part in path.split("/")):
        raise ValueError("a path inside the folder of images is allowed, with single slashes and no dots for parts")
    return path


Line = Annotated[str, AfterValidator(_line)]


class Record(BaseModel):
    """One line of test_data.jsonl, or one row of the dataset. ``resolution`` is width, height in pixels."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")]
    task: str
    subtask: str
    cn: Line
    en: Line
    image_path: Annotated[str, AfterValidator(_inside)]
    resolution: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
    reasoning_points: tuple[Line, ...] = ()


class MappedRecord(Record):
    """A row of another benchmark: an instruction in one language, the other empty. ``subset`` is one that figures are published for too, where it is in one;
    ``note`` is what its authors tell a judge.
    """

    en: str = ""
    cn: str = ""
    image_path: str = ""
    resolution: tuple[int, int] = (1, 1)
    subset: str | None = None
    note: Annotated[str, AfterValidator(clean), Field(max_length=4000)] = ""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        _line(self.en or self.cn)
        return self


def tasks_of(path: Path) -> dict[str, str]:
    """The task of each sub-task, from the paper's taxonomy (config/paper/taxonomy.csv)."""
    with path.open(encoding="utf-8", newline="") as stream:
        return {line["subtask"]: line["task"] for line in csv.DictReader(stream)}


def record_of(values: object, place: str) -> Record:
    """Check one record. Raises ``BenchmarkError`` that names ``place`` (file and row), the field and what is allowed."""
    try:
        return Record.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise BenchmarkError(f"{place}: {field or 'row'}: {message[:1].lower() + message[1:]}") from error


def check_records(records: Sequence[Record], name: str, task_of: Mapping[str, str], subtasks: int, per_subtask: int) -> None:
    """Check what no record says alone: unique keys, known sub-tasks of the right task, reasoning points exactly on Reasoning rows, the counts.

    Raises ``BenchmarkError``, a line a fault, ``MOST_FAULTS`` at most.
    """
    faults = [*_rows(records, name, task_of), *_counts(records, name, task_of, subtasks, per_subtask)]
    if faults:
        more = [f"{name}: and {len(faults) - MOST_FAULTS} faults more"] if len(faults) > MOST_FAULTS else []
        raise BenchmarkError("\n".join([*faults[:MOST_FAULTS], *more]))


def _rows(records: Sequence[Record], name: str, task_of: Mapping[str, str]) -> list[str]:
    found = []
    first: dict[str, int] = {}
    for row, record in enumerate(records, 1):
        place = f"{name}: row {row} ({record.key})"
        if (earlier := first.setdefault(record.key, row)) != row:
            found.append(f"{place}: the key is that of row {earlier} too; keys must be unique: remove one of the rows")
        task = task_of.get(record.subtask)
        if task is None:
            found.append(f"{place}: unknown sub-task {clean(record.subtask)[:60]!r}; config/paper/taxonomy.csv lists those that are known")
        elif task != record.task:
            found.append(f"{place}: task is {clean(record.task)[:60]!r}, and {record.subtask} belongs to {task!r}: correct the row")
        elif task == REASONING and not record.reasoning_points:
            found.append(f"{place}: no reasoning_points, which every row of {task} needs: add what a right edit must show")
        elif record.reasoning_points and task != REASONING:
            found.append(f"{place}: has reasoning_points, and {task} has none: remove them or correct the task")
    return found


def _counts(records: Sequence[Record], name: str, task_of: Mapping[str, str], subtasks: int, per_subtask: int) -> list[str]:
    counted = Counter(record.subtask for record in records if record.subtask in task_of)
    found = []
    if len(counted) != subtasks:
        missing = ", ".join(one for one in task_of if one not in counted)
        found.append(
            f"{name}: {len(counted)} sub-tasks, {subtasks} are expected (missing: {missing or 'none'}); is the file whole? "
            "benchmark.subtasks sets another number"
        )
    for subtask, number in counted.items():
        if number != per_subtask:
            found.append(
                f"{name}: {number} rows of {subtask}, {per_subtask} are expected; is the file whole? benchmark.per_subtask sets another number"
            )
    return found
