"""Where fetched models lie, in the layout of the Hugging Face hub's own cache."""

import os
from pathlib import Path

from unicedit.config.model import Config
from unicedit.errors import ConfigError
from unicedit.models.listed import listed
from unicedit.models.lock import LockedModel, read_lock

VARIABLES = ("HF_HUB_CACHE", "HF_HOME")


def hub_cache(cache: str) -> Path:
    """The hub's cache: where its own variables say, else in ``paths.cache``."""
    if place := os.environ.get("HF_HUB_CACHE"):
        return Path(place)
    if place := os.environ.get("HF_HOME"):
        return Path(place) / "hub"
    return Path(cache).absolute() / "hub"


def use_cache(cache: str) -> None:
    """Let the jobs of this run find what `make fetch-models` put into ``paths.cache``; a cache that the user named in the environment stays."""
    place = hub_cache(cache)
    if place.is_dir() and not any(os.environ.get(name) for name in VARIABLES):
        os.environ["HF_HUB_CACHE"] = str(place)


def snapshot(cache: Path, one: LockedModel) -> Path:
    """The folder of a locked model's files."""
    return cache / f"models--{one.model.replace('/', '--')}" / "snapshots" / one.commit


def check_fetched(config: Config) -> None:
    """Raise ``ConfigError`` where a file of a model of this configuration (with its lock applied) is not in the cache as the lock has it."""
    cache, lock = hub_cache(config.paths.cache), read_lock(Path(config.models.lock))
    wanted = {(one.model, one.revision, one.only) for one in listed(config) if not one.folder}
    for one in lock.models.values():
        if (one.model, one.commit, one.only) not in wanted:
            continue
        folder = snapshot(cache, one)
        for file, known in one.files.items():
            path = folder / file
            if not path.is_file() or path.stat().st_size != known.size:
                raise ConfigError(
                    f"config: {one.model}: {file} of its locked commit {one.commit[:12]} is not whole in {cache}: run `make fetch-models`"
                )
