"""How another benchmark's files hold its samples, and by which questions and formulas they are judged, as config/benchmarks/*.yaml say it."""

from pathlib import Path, PurePosixPath
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from unicedit.benchmark.record import BenchmarkError
from unicedit.config.benchmark import Language, RecordsSettings
from unicedit.viescore.sets import questions_of

SUFFIXES = (".arrow", ".parquet", ".json")
KEY, FOLDER = "@key", "@folder"  # what a JSON file does not have as columns: a sample's key in it, the name of the folder that it lies in


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LanguageColumn(_Entry):
    """The column that tells a row's language, and what stands there for each."""

    column: str = Field(min_length=1)
    en: str = "en"
    cn: str = "cn"


class SubsetColumn(_Entry):
    """A column of truth values, and what its true rows are called."""

    column: str = Field(min_length=1)
    name: str = Field(min_length=1)


class Together(_Entry):
    """Several groups under one name; ``of`` names groups, or what was named before."""

    name: str = Field(min_length=1)
    of: tuple[str, ...] = Field(min_length=1)


class BenchMapping(_Entry):
    """A benchmark: its name in tables, its id where it is published, where its schema was looked up, and the columns of its Arrow, Parquet or JSON files.

    A row is one instruction in one language; ``language`` is that of all rows, or where each tells its own. A JSON file is an object of rows by key (``KEY``, ``FOLDER``);
    pictures are named in it, relative to its folder, one or a list; elsewhere they are bytes, or an Image as Hugging Face datasets stores it. ``key``: columns that
    tell a sample from all others together; ``note``: what judges are told of a right result; ``reference``: a picture of one, for judges alone.

    ``groups`` are those that figures are published for, in their order; ``together`` those of several of them. ``questions`` and the formulas
    that belong to them: ``scoring.formulas``. The average is the mean of the groups' means, or of all samples.
    """

    name: str = Field(min_length=1)
    id: str = Field(min_length=1)
    schema_from: str = Field(min_length=1)
    files: tuple[str, ...] = Field(min_length=1)
    key: tuple[str, ...] = Field(min_length=1)
    group: str = Field(min_length=1)
    instruction: str = Field(min_length=1)
    language: LanguageColumn | Language
    picture: str = Field(min_length=1)
    note: str | None = None
    reference: str | None = None
    subset: SubsetColumn | None = None
    groups: tuple[str, ...] = Field(min_length=1)
    together: tuple[Together, ...] = ()
    questions: Literal["viescore", "imgedit", "kris"] = "viescore"
    average: Literal["groups", "samples"] = "groups"

    @field_validator("files")
    @classmethod
    def _inside(cls, files: tuple[str, ...]) -> tuple[str, ...]:
        for name in files:
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or not name.endswith(SUFFIXES):
                raise ValueError(f"{name!r}: globs of .arrow, .parquet or .json files below the benchmark's folder are allowed")
        return files

    @field_validator("key", mode="before")
    @classmethod
    def _one_or_several(cls, key: object) -> object:
        return (key,) if isinstance(key, str) else key

    @model_validator(mode="after")
    def _groups_are_known(self) -> Self:
        known = set(self.groups)
        for several in self.together:
            if several.name in known:
                raise ValueError(f"together: {several.name!r} is the name of something else too")
            if strangers := [one for one in several.of if one not in known]:
                raise ValueError(f"together: {several.name}: {strangers[0]!r} is no group, nor named before")
            known.add(several.name)
        questions = questions_of(self.questions)
        for group in self.groups:
            try:
                questions(group)
            except KeyError:
                raise ValueError(f"groups: the questions {self.questions!r} have none about {group!r}") from None
        return self

    @property
    def text_columns(self) -> list[str]:
        """The columns without pictures, those that a row must have."""
        told = [self.language.column] if isinstance(self.language, LanguageColumn) else []
        return [*self.key, self.group, self.instruction, *told, *([self.subset.column] if self.subset else [])]

    @property
    def spoken(self) -> tuple[Language, ...]:
        """The languages that its instructions may be in."""
        return ("en", "cn") if isinstance(self.language, LanguageColumn) else (self.language,)

    def groups_of(self, name: str) -> list[str]:
        """The groups of a name: itself, or all that are under it, each once."""
        of = {several.name: several.of for several in self.together}.get(name)
        return [name] if of is None else list(dict.fromkeys(group for one in of for group in self.groups_of(one)))


def load_mapping(path: str | Path) -> BenchMapping:
    """Read a mapping. Raises ``BenchmarkError`` that names the file and the entry."""
    try:
        return BenchMapping.model_validate(yaml.safe_load(Path(path).read_text(encoding="utf-8")))
    except OSError as error:
        raise BenchmarkError(f"{path}: cannot be read ({error.strerror}); the shipped ones are in config/benchmarks") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BenchmarkError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise BenchmarkError(
            f"{path}: {'.'.join(map(str, first['loc'])) or 'file'}: {first['msg'].removeprefix('Value error, ')}"
        ) from error


def questions_named(settings: RecordsSettings) -> str:
    """The questions that judges ask about edits of a configured benchmark: a mapping's, elsewhere VIEScore's."""
    return load_mapping(str(settings.mapping)).questions if settings.source == "mapped" else "viescore"
