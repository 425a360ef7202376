"""The whole configuration, and how it is read and checked."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from unicedit.config.dataset import DatasetSettings
from unicedit.config.duplicates import DuplicatesSettings
from unicedit.config.edit import EditSettings
from unicedit.config.ingest import IngestSettings
from unicedit.config.instruct import InstructSettings
from unicedit.config.library import LibrarySettings
from unicedit.config.map import MapSettings
from unicedit.config.paths import PathsSettings
from unicedit.config.prefilter import PrefilterSettings
from unicedit.config.section import Section
from unicedit.config.tables import TablesSettings
from unicedit.config.verify import VerifySettings
from unicedit.config.world import WorldSettings
from unicedit.errors import PipelineError


class ConfigError(PipelineError):
    """The configuration cannot be used; one line a fault, each with the key, the value and what is allowed."""


class Config(Section):
    """All settings. Later `--configfile` overlays win key by key; lists are replaced whole."""

    paths: PathsSettings = Field(default_factory=PathsSettings)
    library: LibrarySettings = Field(default_factory=LibrarySettings)
    world: WorldSettings = Field(default_factory=WorldSettings)
    ingest: IngestSettings = Field(default_factory=IngestSettings)
    duplicates: DuplicatesSettings = Field(default_factory=DuplicatesSettings)
    prefilter: PrefilterSettings = Field(default_factory=PrefilterSettings)
    instruct: InstructSettings = Field(default_factory=InstructSettings)
    edit: EditSettings = Field(default_factory=EditSettings)
    verify: VerifySettings = Field(default_factory=VerifySettings)
    dataset: DatasetSettings = Field(default_factory=DatasetSettings)
    tables: TablesSettings = Field(default_factory=TablesSettings)
    map: MapSettings = Field(default_factory=MapSettings)


def _known_keys(path: tuple[int | str, ...]) -> list[str]:
    """The keys allowed beside an unknown one, where its section is a plain one."""
    model: Any = Config
    for part in path[:-1]:
        field = getattr(model, "model_fields", {}).get(part) if isinstance(part, str) else None
        model = field.annotation if field is not None else None
    return sorted(getattr(model, "model_fields", {}))


def _line(error: ErrorDetails) -> str:
    path = error["loc"]
    key = ".".join(str(part) for part in path) or "configuration"
    if error["type"] == "extra_forbidden":
        known = _known_keys(path)
        return f"config: {key}: unknown key" + (f"; known here: {', '.join(known)}" if known else "")
    value = str(error["input"])
    shown = value if len(value) <= 80 else value[:77] + "..."
    message = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return f"config: {key} = {shown!r}: {message[:1].lower()}{message[1:]}" if error["type"] != "missing" else f"config: {key}: missing"


def parse(values: Mapping[str, Any]) -> Config:
    """Check merged configuration values. Raises ``ConfigError`` with one line a fault."""
    try:
        return Config.model_validate(dict(values))
    except ValidationError as error:
        faults = error.errors()
        places = [fault["loc"] for fault in faults]
        # a wrong entry also makes its list too short: the entry alone says what to do
        own = [
            fault
            for fault in faults
            if not any(len(place) > len(fault["loc"]) and place[: len(fault["loc"])] == fault["loc"] for place in places)
        ]
        raise ConfigError("\n".join(_line(fault) for fault in own)) from error
