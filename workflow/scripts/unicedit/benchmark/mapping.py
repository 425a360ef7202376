"""How another benchmark's files hold its samples, as config/benchmarks/*.yaml say it."""

from pathlib import Path, PurePosixPath

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from unicedit.benchmark.record import BenchmarkError


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


class BenchMapping(_Entry):
    """A benchmark: its name in tables, its id where it is published, where its schema was looked up, and the columns of its Arrow or Parquet files.

    A row is one instruction in one language. ``picture`` is bytes, or an Image as Hugging Face datasets stores it. ``groups`` are those that figures are published for, in
    their order.
    """

    name: str = Field(min_length=1)
    id: str = Field(min_length=1)
    schema_from: str = Field(min_length=1)
    files: tuple[str, ...] = Field(min_length=1)
    key: str = Field(min_length=1)
    group: str = Field(min_length=1)
    instruction: str = Field(min_length=1)
    language: LanguageColumn
    picture: str = Field(min_length=1)
    subset: SubsetColumn | None = None
    groups: tuple[str, ...] = Field(min_length=1)

    @field_validator("files")
    @classmethod
    def _inside(cls, files: tuple[str, ...]) -> tuple[str, ...]:
        for name in files:
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or not name.endswith((".arrow", ".parquet")):
                raise ValueError(f"{name!r}: globs of .arrow or .parquet files below the benchmark's folder are allowed")
        return files

    @property
    def light(self) -> list[str]:
        """The columns without the picture."""
        return [self.key, self.group, self.instruction, self.language.column, *([self.subset.column] if self.subset else [])]


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
