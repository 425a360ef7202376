"""The entries of config/models: the systems that the paper's Tables 4 and 5 compare, with the settings that run each here, licence, and how to get it."""

from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from unicedit.config.edit import EditorSettings
from unicedit.config.verify import VerifySettings
from unicedit.errors import ConfigError

UNKNOWN = "unknown"


class ModelEntry(BaseModel):
    """One system. ``unknown`` stands where neither the paper nor a public model card says a thing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    paper: str = Field(min_length=1, description="Its name as the paper's table prints it.")
    table: Literal[4, 5] = Field(description="The paper's table.")
    weights: str = Field(min_length=1, description="Hub id or folder of the weights, `none` behind an API, or `unknown`.")
    licence: str = Field(min_length=1, description="Licence of the weights, or terms of the API.")
    get: str = Field(min_length=10, description="How to get it.")
    run: Literal["run", "not run"] = Field(description="Whether this project has run it with its real weights.")
    why: str = Field("", description="Why it was not run.")
    as_in_paper: str = Field(min_length=5, description="What is known of how the paper ran it, and what is ours.")
    sources: tuple[str, ...] = Field(min_length=1, description="Where the facts come from.")
    editor: EditorSettings | None = Field(None, description="An entry of `edit.editors`, for Table 4.")
    verify: VerifySettings | None = Field(None, description="The section `verify`, for Table 5.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.editor is None) == (self.table == 4) or (self.verify is None) == (self.table == 5):
            raise ValueError("an entry of Table 4 has `editor`, one of Table 5 has `verify`")
        if self.run == "not run" and len(self.why) < 10:
            raise ValueError("`not run` needs `why`")
        return self


def read_entry(path: Path) -> ModelEntry:
    """Read and check an entry. Raises ``ConfigError`` with one line."""
    try:
        return ModelEntry.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())[:200]}") from error
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"]) or "entry"
        raise ConfigError(f"{path}: {where}: {fault['msg'].removeprefix('Value error, ')}") from error


def read_entries(folder: Path) -> dict[str, ModelEntry]:
    """All entries of a folder by file name. Raises ``ConfigError``."""
    return {path.stem: read_entry(path) for path in sorted(folder.glob("*.yaml"))}
