"""How a dataset's files hold its triplets, as config/datasets/*.yaml say it."""

from pathlib import Path, PurePosixPath
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from unicedit.errors import PipelineError

Format = Literal["parquet", "jsonl", "json", "webdataset"]


class MappingError(PipelineError):
    """A mapping cannot be used; one line a fault, each with the file, the entry and what is allowed."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Picture(_Entry):
    """Where a row's picture is.

    ``column``: the field that holds it, or that names its file; a list is one picture where it holds one. ``kind``: ``bytes``; ``struct`` as Hugging Face
    datasets stores an Image (bytes and path); ``path``; ``member`` of a WebDataset sample, when ``column`` is what follows its key (``2.jpg``).
    A path is taken below ``folder`` of ``relative_to`` (the dataset's root, or the folder of the file with the row), without its ``strip``.
    """

    column: str = Field(min_length=1)
    kind: Literal["bytes", "struct", "path", "member"]
    relative_to: Literal["root", "file"] = "root"
    folder: str = ""
    strip: str = ""

    @model_validator(mode="after")
    def _paths_have_a_folder(self) -> Self:
        if self.kind in ("bytes", "member") and (self.folder or self.strip or self.relative_to != "root"):
            raise ValueError(f"kind {self.kind} has no path: leave out folder, strip and relative_to")
        if PurePosixPath(self.folder).is_absolute():
            raise ValueError(f"folder {self.folder!r} begins with a slash: write it relative to the {self.relative_to}")
        return self


class Instruction(_Entry):
    """The columns with the instruction, by language; one of them at least."""

    en: str | None = Field(None, min_length=1)
    cn: str | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if self.en is None and self.cn is None:
            raise ValueError("name the column of the instruction: en, cn or both")
        return self

    @property
    def columns(self) -> list[str]:
        """Its columns."""
        return [column for column in (self.en, self.cn) if column]


class Part(_Entry):
    """Files of one layout: a dataset is split into parts where its files differ in their columns.

    ``files`` is a glob below the dataset's root; of its files those are left out whose path ends as a glob of ``leave_out`` says.
    """

    files: str = Field(min_length=1)
    leave_out: tuple[str, ...] = ()
    format: Format
    source: Picture
    edited: Picture
    instruction: Instruction
    key: str | None = None
    task: str | None = None
    subtask: str | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        path = PurePosixPath(self.files)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"files {self.files!r} leads out of the dataset: write a glob relative to its root, like data/*.parquet")
        for name, picture in (("source", self.source), ("edited", self.edited)):
            if (picture.kind == "member") and self.format != "webdataset":
                raise ValueError(f"{name}.kind member is of format webdataset only; here it is bytes, struct or path")
            if picture.kind in ("bytes", "struct") and self.format != "parquet":
                raise ValueError(f"{name}.kind {picture.kind} is of format parquet only; here it is path or member")
        return self

    @property
    def texts(self) -> list[str]:
        """Columns that hold texts, each once."""
        return list(dict.fromkeys([*self.instruction.columns, *(name for name in (self.key, self.task, self.subtask) if name)]))


class Mapping(_Entry):
    """A dataset: its name in Table 2, its id where it is published, where its schema was looked up, and its parts."""

    name: str = Field(min_length=1)
    id: str = Field(min_length=1)
    schema_from: str = Field(min_length=1)
    parts: tuple[Part, ...] = Field(min_length=1)


def load(path: str | Path) -> Mapping:
    """Read a mapping. Raises ``MappingError`` that names the file and the entry."""
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise MappingError(f"{path}: cannot be read ({error.strerror}); the shipped ones are in config/datasets") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from error
    try:
        return Mapping.model_validate(values)
    except ValidationError as error:
        lines = (
            f"{path}: {'.'.join(map(str, one['loc'])) or 'file'}: {one['msg'].removeprefix('Value error, ')}" for one in error.errors()
        )
        raise MappingError("\n".join(lines)) from error
