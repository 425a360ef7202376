"""Whether the nodes see what the run writes: by the kind of file system, and by asking a node."""

import os
import sys
import tempfile
from pathlib import Path

import psutil

from unicedit.cluster.finding import Finding
from unicedit.cluster.slurm import SlurmError, ask

# kinds that no other machine sees, unless it is exported
LOCAL = ("ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "overlay", "tmpfs", "ramfs", "f2fs", "vfat", "squashfs")
WAIT_SECONDS = 60


def file_system(path: Path) -> str:
    """The kind of file system a path lies on, or would."""
    real = path.resolve()
    mounts = [(mount.mountpoint, mount.fstype) for mount in psutil.disk_partitions(all=True)]
    holding = [(where, kind) for where, kind in mounts if real == Path(where) or Path(where) in real.parents]
    return max(holding, key=lambda one: len(one[0]))[1] if holding else "unknown"


def looked_at(folders: dict[str, Path]) -> list[Finding]:
    """By the kind of file system alone."""
    by_kind: dict[str, list[str]] = {}
    for name, path in folders.items():
        by_kind.setdefault(file_system(path), []).append(f"{name} ({path.resolve()})")
    remedy = "move them to a shared file system (paths in the configuration), or let a node tell: make slurm-check PROBE=1"
    return [
        Finding("warning", f"on {kind}, which nodes usually do not share: {', '.join(names)}", remedy)
        if kind in LOCAL
        else Finding("ok", f"on {kind}: {', '.join(names)}")
        for kind, names in by_kind.items()
    ]


_ASK = """cd "$1" && test -e "$2" && echo sees; echo "$(hostname)" > "$2.node" && echo writes; "$3" -c "import snakemake" && echo python"""


def probed(partition: str, account: str | None, folder: Path) -> Finding:
    """By a job of a second on a node of ``partition``: does it see ``folder``, write there so that this machine sees it, and start this Python?"""
    with tempfile.TemporaryDirectory(prefix=".slurm-check-", dir=folder) as made:
        mark = Path(made) / "mark"
        mark.touch()
        options = [
            f"--partition={partition}",
            "--nodes=1",
            "--ntasks=1",
            "--mem=200M",
            "--time=2",
            f"--immediate={WAIT_SECONDS}",
            "--quiet",
        ]
        options += [f"--account={account}"] if account else []
        words = [
            "srun",
            *options,
            "--chdir=/",
            "sh",
            "-c",
            f"{_ASK}; true",
            "sh",
            str(folder.resolve()),
            str(mark.resolve()),
            sys.executable,
        ]
        try:
            said = ask(*words, timeout=WAIT_SECONDS + 60).split()
        except SlurmError as error:
            return Finding("warning", f"partition {partition}: no node could be asked ({error})", "try again when a node is free")
        written = Path(f"{mark}.node")
        os.listdir(made)  # has a network file system look again
        seen = written.read_text().strip() if written.exists() else ""
    if "sees" not in said:
        return Finding("error", f"partition {partition}: its node does not see {folder.resolve()}", "work in a folder that nodes share")
    if "writes" not in said or not seen:
        return Finding(
            "error", f"partition {partition}: what its node writes into {folder.resolve()} is not seen here", "work in a shared folder"
        )
    if "python" not in said:
        return Finding(
            "error",
            f"partition {partition}: {sys.executable} does not start Snakemake on {seen}",
            "keep .venv and its Python where nodes see them",
        )
    return Finding("ok", f"partition {partition}: node {seen} sees the working folder, writes into it, and starts this Python")
