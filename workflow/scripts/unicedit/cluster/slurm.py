"""Slurm's commands, and the times and sizes they print. Only formats that are asked for by name are read: they have stayed the same from 22.05 to 25.x."""

import re
import shutil
import subprocess

from unicedit.errors import PipelineError

TIMEOUT_SECONDS = 60
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGTP]?)", re.IGNORECASE)
_FACTOR = {"B": 1 / 1024**2, "K": 1 / 1024, "M": 1.0, "": 1.0, "G": 1024.0, "T": 1024.0**2, "P": 1024.0**3}


class SlurmError(PipelineError):
    """A command of Slurm failed, or is not there."""


def installed() -> bool:
    """Whether this machine has Slurm's commands."""
    return all(shutil.which(name) for name in ("sinfo", "squeue", "scontrol", "sbatch"))


def ask(*words: str, timeout: float = TIMEOUT_SECONDS) -> str:
    """What a command says. Raises ``SlurmError`` when it fails, is not there, or takes longer than ``timeout`` seconds."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=timeout)
    except FileNotFoundError as error:
        raise SlurmError(f"{words[0]}: not found; run this on a machine with Slurm's commands, usually a login node") from error
    except subprocess.TimeoutExpired as error:
        raise SlurmError(f"{' '.join(words)}: no answer within {timeout:.0f} s; is the controller up? `scontrol ping` tells") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}").splitlines()
        raise SlurmError(f"{' '.join(words)}: {said[-1]}")
    return done.stdout


def minutes(text: str) -> float | None:
    """Minutes of a Slurm time (``2-00:00:00``, ``1:30:00``, ``30:00``, ``90``); None for no limit. Raises ``ValueError`` for anything else."""
    text = text.strip()
    if text.upper() in ("UNLIMITED", "INFINITE", "NONE", "N/A", "PARTITION_LIMIT", ""):
        return None
    days, _, clock = text.rpartition("-")
    parts = [float(part) for part in clock.split(":")]
    if days:  # days-hours[:minutes[:seconds]]
        hours, mins, seconds, *_ = [*parts, 0.0, 0.0]
        return float(days) * 1440 + hours * 60 + mins + seconds / 60
    if len(parts) == 1:
        return parts[0]
    hours, mins, seconds = parts if len(parts) == 3 else [0.0, *parts]
    return hours * 60 + mins + seconds / 60


def megabytes(text: str, plain: str = "M") -> float | None:
    """Megabytes of a Slurm size (``62.50G``, ``4000M``, ``1000K``); a number alone counts as ``plain``. None for none or no limit."""
    found = _SIZE.match(text.strip())
    if found is None:
        return None
    return float(found[1]) * _FACTOR[(found[2] or plain).upper()]


def configuration() -> dict[str, str]:
    """What ``scontrol show config`` says, by name."""
    pairs = (line.partition("=") for line in ask("scontrol", "show", "config").splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}
