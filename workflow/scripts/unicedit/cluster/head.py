"""The Snakemakes that worked in a folder, from the logs that each leaves in .snakemake/log."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from unicedit.monitor.places import places_of

_HEADER_LINES = 200
_HEADER = re.compile(r"^  (Date|Host|Command|Working directory|Config file\(s\)): (.*)$")
_CONFIG = re.compile(r"PosixPath\((['\"])(.*?)\1\)")
_RUN_ID = re.compile(r"^SLURM run ID: (\S+)$")
_SUBMITTED = re.compile(r"^Job \S+ has been submitted with SLURM jobid (\d+) \(log: .*?/(?:rule|group)_(\w+)/")


@dataclass(frozen=True, slots=True)
class Head:
    """One Snakemake: where and how it was started, and the name its Slurm jobs bear ("" where it ran none)."""

    log: Path
    host: str
    command: str
    date: str  # as 2026-11-25 00:36:39
    configfiles: tuple[Path, ...]
    run_id: str

    def results(self) -> Path:
        """The results folder it worked for."""
        return places_of(["--configfile", *map(str, self.configfiles)])[0]


def read_head(log: Path) -> Head | None:
    """The Snakemake that wrote a log; None for one that ran no workflow."""
    values, run_id = {"Date": "", "Host": "", "Command": "", "Config file(s)": ""}, ""
    with log.open(encoding="utf-8", errors="replace") as stream:
        for _, line in zip(range(_HEADER_LINES), stream, strict=False):
            if found := _HEADER.match(line):
                values[found[1]] = found[2]
            elif (found := _RUN_ID.match(line)) and not run_id:
                run_id = found[1]
    if not values["Host"]:
        return None
    files = tuple(Path(name) for _, name in _CONFIG.findall(values["Config file(s)"]))
    return Head(log, values["Host"], values["Command"], values["Date"], files, run_id)


def read_heads(folder: Path) -> list[Head]:
    """The Snakemakes that worked in ``folder``, oldest first. Dry runs, unlocking and such are not among them."""
    found = [read_head(path) for path in sorted((folder / ".snakemake" / "log").glob("*.snakemake.log"))]
    return [one for one in found if one is not None]


def heads(folder: Path, results: Path) -> list[Head]:
    """Those that worked for ``results``."""
    return [one for one in read_heads(folder) if one.results().resolve() == results.resolve()]


def submitted(log: Path) -> Iterator[tuple[str, str]]:
    """Slurm job and rule (or group) of every job that a Snakemake submitted by itself, not as part of an array."""
    with log.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            if found := _SUBMITTED.match(line):
                yield found[1], found[2]
