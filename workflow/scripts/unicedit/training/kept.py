"""The trained model of the last run, kept outside Snakemake's outputs: a training planned again for the same recipe is taken from there, not repeated.

Snakemake deletes a rule's outputs before it runs, and plans a training when any code under it changed. What decides the weights is narrower: the modules that
compute them, the settings, the data and the base model.
"""

import os
import shutil
from pathlib import Path

from unicedit.digest import closure, digest_modules
from unicedit.files import digest_of, read_json, sha256_of_file, write_json
from unicedit.recipe import PLUMBING

# how a training is run, watched and put away decides no weight
_CARRIES = tuple(f"unicedit.training.{name}" for name in ("checkpoints", "curves", "job", "kept", "launch", "preemption", "publish"))
_ROOTS = {"sft": ("unicedit.training.sft",), "d2po": ("unicedit.training.d2po_training",)}
_SUMS = "sums.json"


def recipe_modules(stage: str) -> dict[str, str]:
    """The modules that decide the weights of ``sft`` or ``d2po``, with their digests."""
    return closure([*_ROOTS[stage], "unicedit.training.finish"], without=(*PLUMBING, *_CARRIES))


def training_recipe(stage: str, settings: str, data: str, base: str) -> str:
    """16 hexadecimal digits that name a training: equal ones end with equal weights. ``data`` and ``base`` are digests of contents."""
    return digest_of(stage, digest_modules(recipe_modules(stage)), settings, data, base)[:16]


def take(kept: Path, names: list[str]) -> bool:
    """Whether ``kept`` holds ``names`` (files and folders), undamaged."""
    if not (kept / _SUMS).exists() or not all((kept / name).exists() for name in names):
        return False
    sums: dict[str, str] = read_json(kept / _SUMS)
    return all((kept / name).is_file() and sha256_of_file(kept / name) == digest for name, digest in sums.items())


def keep(made: Path, kept: Path, names: list[str]) -> None:
    """Keep ``names`` of folder ``made`` as ``kept``, in place of what lies beside it: as hard links, where the file system has them."""
    if kept.parent.exists():
        shutil.rmtree(kept.parent)
    for name in names:
        source, target = made / name, kept / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, copy_function=link)
        else:
            link(source, target)
    files = sorted(path for path in kept.rglob("*") if path.is_file())
    write_json(kept / _SUMS, {str(path.relative_to(kept)): sha256_of_file(path) for path in files})


def link(source: Path | str, target: Path | str) -> None:
    """A hard link, or a copy between file systems."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
