"""Resolving and fetching the models of a configuration: safetensors, configuration and tokenizer files, nothing that could hold code.

What the hub says of a file (its SHA-256 where it is large, its git digest where it is small) is compared with what came; what the lock says, with both.
"""

import hashlib
import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from unicedit.config.model import Config
from unicedit.errors import PipelineError
from unicedit.files import sha256_of_file
from unicedit.models.cache import hub_cache, snapshot
from unicedit.models.listed import Listed, listed
from unicedit.models.lock import Lock, LockedFile, LockedModel, read_lock, write_lock

log = logging.getLogger(__name__)

# weights and what is read beside them; no .bin, .pt, .pkl or .py ever
WANTED = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")
MOST_FILES = 2000
_PIPELINE = "model_index.json"


class FetchError(PipelineError):
    """A model cannot be had as it is asked for."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """One model of the configuration, and what became of it. ``size`` in bytes."""

    one: Listed
    commit: str
    licence: str
    size: int
    what: str


def wanted_files(names: list[str], only: str | None) -> list[str]:
    """The files of a repository that are fetched. Of a pipeline's, those in its parts' folders: whole checkpoints beside them hold the same weights again."""
    if only is not None:
        return [name for name in names if name == only]
    found = [name for name in names if any(fnmatch(name, pattern) for pattern in WANTED)]
    if _PIPELINE in names:
        found = [name for name in found if "/" in name or not name.endswith(".safetensors")]
    # the same weights in another number format, as model.fp16.safetensors beside model.safetensors
    return [name for name in found if not _variant(name, set(found))]


def _variant(name: str, names: set[str]) -> bool:
    stem, _, suffix = name.rpartition(".")
    plain, _, variant = stem.rpartition(".")
    return suffix == "safetensors" and variant in ("fp16", "bf16", "fp32") and f"{plain}.safetensors" in names


def _asking(one: Listed, doing: str, call: Any) -> Any:
    """A call to the hub; its errors as one line."""
    from httpx2 import HTTPError  # what huggingface_hub speaks through
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        return call()
    except OfflineModeIsEnabled as error:
        raise FetchError(
            f"{one.key} = {one.model!r}: {doing} needs the hub, and HF_HUB_OFFLINE is set; run this where there is a network"
        ) from error
    except (HfHubHTTPError, LocalEntryNotFoundError, HTTPError, OSError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise FetchError(
            f"{one.key} = {one.model!r}: {doing} failed ({first[:300]}); a gated model needs its licence accepted on the hub and HF_TOKEN set"
        ) from error


def _resolve(one: Listed) -> tuple[LockedModel, dict[str, str]]:
    """What the hub says of a model now: commit, licence, files with sizes and, where it tells them, SHA-256 digests; and git digests of the others."""
    from huggingface_hub import HfApi

    info = _asking(one, "looking it up", lambda: HfApi().model_info(one.model, revision=one.revision, files_metadata=True))
    siblings = {sibling.rfilename: sibling for sibling in info.siblings or []}
    names = wanted_files(sorted(siblings), one.only)
    if not any(name.endswith(".safetensors") for name in names):
        raise FetchError(f"{one.key} = {one.model!r}: holds no {one.only or 'safetensors file'}; only safetensors weights are read")
    if len(names) > MOST_FILES or not all(_plain(name) for name in names):
        raise FetchError(f"{one.key} = {one.model!r}: its list of files is no model's ({len(names):,} files)")
    card = info.card_data
    licence = (card and (card.get("license_name") or card.get("license"))) or "unknown"
    files = {}
    git: dict[str, str] = {}
    for name in names:
        sibling = siblings[name]
        if sibling.lfs is not None:
            files[name] = LockedFile(sha256=sibling.lfs.sha256, size=sibling.lfs.size)
        else:
            files[name] = LockedFile(sha256="0" * 64, size=sibling.size or 0)
            git[name] = str(sibling.blob_id)
    return LockedModel(model=one.model, commit=str(info.sha), licence=str(licence), files=files), git


def _plain(name: str) -> bool:
    return not name.startswith("/") and ".." not in name.split("/") and name.isprintable()


def _git_digest(path: Path) -> str:
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _download(one: Listed, resolved: LockedModel, git: dict[str, str], cache: Path) -> Iterator[tuple[str, LockedFile]]:
    """Fetch the files that are not there, and check all; gives each with its true digest. A file that is not what it should be is removed."""
    from huggingface_hub import hf_hub_download

    for name, known in resolved.files.items():
        path = snapshot(cache, resolved) / name
        if not path.is_file():
            log.info("%s: %s, %s bytes", one.model, name, f"{known.size:,}")
            path = Path(
                _asking(
                    one,
                    f"fetching {name}",
                    lambda name=name: hf_hub_download(one.model, name, revision=resolved.commit, cache_dir=cache),
                )
            )
        sha256 = sha256_of_file(path)
        good = _git_digest(path) == git[name] if name in git else sha256 == known.sha256
        if not good:
            path.resolve().unlink()
            path.unlink(missing_ok=True)
            raise FetchError(f"{one.key} = {one.model!r}: {name} is not what its digest says, and was removed; run this again")
        yield name, LockedFile(sha256=sha256, size=path.stat().st_size)


def _room(cache: Path, one: Listed, resolved: LockedModel) -> None:
    folder = snapshot(cache, resolved)
    missing = sum(known.size for name, known in resolved.files.items() if not (folder / name).is_file())
    there = next(place for place in (cache, *cache.parents) if place.exists())
    free = shutil.disk_usage(there).free
    if missing > free:
        raise FetchError(
            f"{one.key} = {one.model!r}: {missing / 1e9:,.1f} GB are to be fetched, and {free / 1e9:,.1f} GB are free at {there}: name another paths.cache"
        )


def fetch_models(config: Config, *, update: bool = False) -> Iterator[Fetched]:
    """Fetch every model of a configuration (without its lock applied), one after another; writes the lock after each. ``update`` asks the hub what branches and
    tags stand for now, where the lock knows an answer. Raises ``FetchError``.
    """
    path, cache = Path(config.models.lock), hub_cache(config.paths.cache)
    for one in {one.name: one for one in listed(config)}.values():
        if one.folder:
            yield Fetched(one, "", "", 0, "a folder: nothing to fetch")
            continue
        if not one.hub_id:
            raise FetchError(f"config: {one.key} = {one.model!r}: no such file or folder, and no hub's name")
        lock = read_lock(path)
        known = None if update else lock.models.get(one.name)
        resolved, git = (known, {}) if known else _resolve(one)
        _room(cache, one, resolved)
        files = dict(_download(one, resolved, git, cache))
        done = resolved.model_copy(update={"files": files})
        write_lock(path, Lock(models={**lock.models, one.name: done}))
        yield Fetched(one, done.commit, done.licence, done.size, "checked against the lock" if known else "resolved and locked")
