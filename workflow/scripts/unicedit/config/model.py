"""The whole configuration, and how it is read and checked."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from unicedit.config.benchmark import BenchmarkSettings
from unicedit.config.contamination import ContaminationSettings
from unicedit.config.d2po import D2poSettings
from unicedit.config.dataset import DatasetSettings
from unicedit.config.duplicates import DuplicatesSettings
from unicedit.config.edit import EditSettings
from unicedit.config.gallery import GallerySettings
from unicedit.config.ingest import IngestSettings
from unicedit.config.instruct import InstructSettings
from unicedit.config.launch import LaunchSettings
from unicedit.config.library import LibrarySettings
from unicedit.config.map import MapSettings
from unicedit.config.models import ModelsSettings
from unicedit.config.paths import PathsSettings
from unicedit.config.plan import PlanSettings
from unicedit.config.prefilter import PrefilterSettings
from unicedit.config.propose import ProposeSettings
from unicedit.config.samples import SamplesSettings
from unicedit.config.section import Section
from unicedit.config.sft import SftSettings
from unicedit.config.table2 import Table2Settings
from unicedit.config.table5 import Table5Settings
from unicedit.config.tables import TablesSettings
from unicedit.config.verifier import VerifierSettings
from unicedit.config.verify import VerifySettings
from unicedit.config.world import WorldSettings
from unicedit.errors import ConfigError


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
    verifier: VerifierSettings = Field(default_factory=VerifierSettings)
    samples: SamplesSettings = Field(default_factory=SamplesSettings)
    sft: SftSettings = Field(default_factory=SftSettings)
    d2po: D2poSettings = Field(default_factory=D2poSettings)
    launch: LaunchSettings = Field(default_factory=LaunchSettings)
    table5: Table5Settings = Field(default_factory=Table5Settings)
    benchmark: BenchmarkSettings = Field(default_factory=BenchmarkSettings)
    contamination: ContaminationSettings = Field(default_factory=ContaminationSettings)
    propose: ProposeSettings = Field(default_factory=ProposeSettings)
    table2: Table2Settings = Field(default_factory=Table2Settings)
    dataset: DatasetSettings = Field(default_factory=DatasetSettings)
    gallery: GallerySettings = Field(default_factory=GallerySettings)
    tables: TablesSettings = Field(default_factory=TablesSettings)
    models: ModelsSettings = Field(default_factory=ModelsSettings)
    map: MapSettings = Field(default_factory=MapSettings)
    plan: PlanSettings = Field(default_factory=PlanSettings)


def _known_keys(path: tuple[int | str, ...]) -> list[str]:
    """The keys allowed beside an unknown one, where its section is a plain one."""
    model: Any = Config
    for part in path[:-1]:
        field = getattr(model, "model_fields", {}).get(part) if isinstance(part, str) else None
        model = field.annotation if field is not None else None
    return sorted(getattr(model, "model_fields", {}))


_SAID = {
    "model_type": "a section of settings is allowed, as config/config.yaml has it",
    "dict_type": "a section of settings is allowed, as config/config.yaml has it",
    "list_type": "a list is allowed, one entry a line after a dash",
    "tuple_type": "a list is allowed, one entry a line after a dash",
    "string_type": "a text is allowed",
    "too_short": "at least one entry is needed",
}


def _key(error: ErrorDetails) -> str:
    """The setting's key, without the names of the types that a union tried."""
    return ".".join(str(part) for part in error["loc"] if part != "str" and "[" not in str(part)) or "configuration"


def _line(errors: Sequence[ErrorDetails]) -> str:
    """One line for the faults of one value: several where it fits none of several types."""
    error, key = errors[0], _key(errors[0])
    if error["type"] == "extra_forbidden":
        known = _known_keys(error["loc"])
        return f"config: {key}: unknown key" + (f"; known here: {', '.join(known)}" if known else "")
    if error["type"] == "missing":
        return f"config: {key}: missing"
    value = str(error["input"])
    shown = value if len(value) <= 80 else value[:77] + "..."
    messages = [_SAID.get(one["type"]) or one["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ") for one in errors]
    return f"config: {key} = {shown!r}: {', or '.join(message[:1].lower() + message[1:] for message in messages)}"


def parse(values: Mapping[str, Any]) -> Config:
    """Check merged configuration values, and say who verifies where that is left open. Raises ``ConfigError`` with one line a fault."""
    try:
        config = Config.model_validate(dict(values))
    except ValidationError as error:
        faults = error.errors()
        places = [fault["loc"] for fault in faults]
        # a wrong entry also makes its list too short: the entry alone says what to do
        own = [
            fault
            for fault in faults
            if not any(len(place) > len(fault["loc"]) and place[: len(fault["loc"])] == fault["loc"] for place in places)
        ]
        by_key: dict[str, list[ErrorDetails]] = {}
        for fault in own:
            by_key.setdefault(_key(fault), []).append(fault)
        raise ConfigError("\n".join(map(_line, by_key.values()))) from error
    if config.verify.engine != "auto":
        return config
    simulated = config.library.kind == "world" and all(editor.engine == "simulated" for editor in config.edit.editors)
    verify = config.verify.model_copy(update={"engine": "transformers" if simulated else "simulated"})
    return config.model_copy(update={"verify": verify})


def read_file(path: Path) -> dict[str, Any]:
    """The settings of one configuration file, unchecked. Raises ``ConfigError`` for a file that cannot be read or holds no keys."""
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such configuration file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if values is not None and not isinstance(values, dict):
        raise ConfigError(
            f"{path}: holds a {type(values).__name__} and no settings; `key: value` lines are allowed, as config/config.yaml has them"
        )
    return values or {}
