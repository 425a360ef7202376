"""Where a Snakemake command keeps its results, read from the configuration files it names."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from unicedit.config.model import parse

_SUFFIXES = (".yaml", ".yml", ".json")


def configfiles(command: Sequence[str]) -> list[Path]:
    """The files after ``--configfile`` or ``--configfiles``."""
    found: list[Path] = []
    taking = False
    for word in command:
        if word.startswith("-"):
            taking = word.split("=")[0] in ("--configfile", "--configfiles")
            word = word.partition("=")[2]
        if taking and word.endswith(_SUFFIXES):
            found.append(Path(word))
    return found


def profile_of(command: Sequence[str], default: Path = Path("profiles/slurm")) -> Path:
    """The folder after ``--profile``; ``default`` where none is named that this folder holds (Snakemake looks elsewhere too)."""
    found = default
    for number, word in enumerate(command):
        name, _, value = word.partition("=")
        if name == "--profile" and (value or number + 1 < len(command)):
            found = Path(value or command[number + 1])
    return found if (found / "config.yaml").is_file() else default


def places_of(command: Sequence[str], default: Path = Path("config/config.yaml")) -> tuple[Path, Path]:
    """The results and scratch folders of a Snakemake command: those of the last configuration file that names them.

    What else is wrong with a file is for Snakemake to say, which reads and checks it before the first job; here it then counts as naming none. Raises
    ``ConfigError`` for folders that cannot be used.
    """
    paths: dict[str, Any] = {}
    for path in (default, *configfiles(command)):
        if path.is_file():
            try:
                value = yaml.safe_load(path.read_text(encoding="utf-8", errors="replace"))
            except yaml.YAMLError:
                continue
            named = value.get("paths") if isinstance(value, Mapping) else None
            if isinstance(named, Mapping):
                paths |= {name: named[name] for name in ("results", "scratch") if isinstance(named.get(name), str)}
    settings = parse({"paths": paths}).paths
    return Path(settings.results), Path(settings.scratch)
