"""The lock file: which commit each model and revision stood for when it was first fetched, and what its files held.

The commits take the place of the revisions in the configuration, so they are in the settings of the stages and in the recipes of rows: another commit computes
again what the model computed, and no branch that moves does.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unicedit.config.model import Config
from unicedit.errors import ConfigError
from unicedit.files import write_text
from unicedit.models.listed import Listed, listed, with_revisions

FORMAT = 1


class LockedFile(BaseModel):
    """One file: its SHA-256 and its bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)


class LockedModel(BaseModel):
    """One model, as it was resolved."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")
    licence: str  # as the model's card names it; `unknown` where it does not
    files: dict[str, LockedFile] = Field(min_length=1)
    only: str | None = None  # the one file that was asked for, of an adapter's repository

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(one.size for one in self.files.values())


class Lock(BaseModel):
    """The whole file: models by what was asked for, ``<model>@<revision>``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    models: dict[str, LockedModel] = Field(default_factory=dict)


def read_lock(path: Path) -> Lock:
    """The lock file, an empty one where there is none. Raises ``ConfigError`` for a file that is no lock."""
    if not path.exists():
        return Lock()
    try:
        return Lock.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ConfigError(
            f"config: models.lock = {str(path)!r}: is no lock file; `make fetch-models` writes one where none is: {str(error).splitlines()[0]}"
        ) from error


def write_lock(path: Path, lock: Lock) -> None:
    """Write it, sorted, whole or not at all."""
    models = {name: lock.models[name] for name in sorted(lock.models)}
    write_text(path, Lock(models=models).model_dump_json(indent=1) + "\n")


def locked(config: Config) -> Config:
    """The configuration with every hub model's revision replaced by the commit that its lock file holds for it."""
    lock = read_lock(Path(config.models.lock))
    if not lock.models:
        return config

    def commit(one: Listed) -> str | None:
        found = None if one.folder else lock.models.get(one.name)
        return found.commit if found else None

    return with_revisions(config, commit)


def unlocked(config: Config) -> list[Listed]:
    """The hub models of a configuration (with its lock applied) that are known by a branch or tag alone. Raises ``ConfigError`` for what is neither at hand nor
    a hub's.
    """
    found = []
    for one in listed(config):
        if one.folder or one.pinned:
            continue
        if not one.hub_id:
            raise ConfigError(f"config: {one.key} = {one.model!r}: no such file or folder, and no hub model with a revision")
        found.append(one)
    return found


def says(one: Listed, lock: str) -> str:
    """What is wrong with a model that is not locked, and what to do."""
    revision = one.revision or "main"
    return f"config: {one.key} = {one.model!r}: no such folder, and its revision {revision} is not in the lock file {lock}: run `make fetch-models`"
