"""Slurm's commands as programs that print what a cluster once said, for tests of what reads it."""

import os
import stat
from pathlib import Path

import pytest

CONFIG = """\
Configuration data as of 2026-11-25T00:30:00
AccountingStorageEnforce = {enforce}
AccountingStorageType   = {accounting}
ClusterName             = unicedit
EnforcePartLimits       = {limits}
KillWait                = 5 sec
MaxArraySize            = 1001
MaxJobCount             = 10000
MinJobAge               = {age} sec
SLURM_VERSION           = {version}

Slurmctld(primary) at vm is UP
"""

# of Slurm 22.05.8, made shorter at fields that nothing reads
PARTITIONS_22 = """\
PartitionName=cpu AllowGroups=ALL AllowAccounts=ALL AllowQos=ALL AllocNodes=ALL Default=YES QoS=N/A DefaultTime=NONE GraceTime=0 MaxNodes=UNLIMITED \
MaxTime=2-00:00:00 MinNodes=0 Nodes=n[1-2] PriorityTier=10 OverTimeLimit=NONE PreemptMode=OFF State=UP TotalCPUs=4 TotalNodes=2 DefMemPerCPU=500 \
MaxMemPerNode=UNLIMITED TRES=cpu=4,mem=125G,node=2,billing=4
PartitionName=gpu-a AllowGroups=ALL AllowAccounts=ALL AllowQos=ALL AllocNodes=ALL Default=NO QoS=N/A DefaultTime=NONE GraceTime=0 MaxNodes=UNLIMITED \
MaxTime=2-00:00:00 MinNodes=0 Nodes=n1 PriorityTier=10 OverTimeLimit=NONE PreemptMode=OFF State=UP TotalCPUs=2 TotalNodes=1 DefMemPerCPU=500 \
MaxMemPerNode=UNLIMITED TRES=cpu=2,mem=62.50G,node=1,billing=2,gres/gpu=2
PartitionName=gpu-b AllowGroups=ALL AllowAccounts=lab,other AllowQos=ALL AllocNodes=ALL Default=NO QoS=N/A DefaultTime=NONE GraceTime=0 \
MaxNodes=UNLIMITED MaxTime=1-00:00:00 MinNodes=0 Nodes=n2 PriorityTier=10 OverTimeLimit=NONE PreemptMode=OFF State=UP TotalCPUs=2 TotalNodes=1 \
MaxMemPerNode=48000 TRES=cpu=2,mem=62.50G,node=1,billing=2,gres/gpu=2
PartitionName=scav AllowGroups=ALL AllowAccounts=ALL AllowQos=ALL AllocNodes=ALL Default=NO QoS=N/A DefaultTime=NONE GraceTime=5 MaxNodes=UNLIMITED \
MaxTime=UNLIMITED MinNodes=0 Nodes=n[1-2] PriorityTier=1 OverTimeLimit=NONE PreemptMode=REQUEUE State=UP TotalCPUs=4 TotalNodes=2 DefMemPerCPU=500 \
MaxMemPerNode=UNLIMITED TRES=cpu=4,mem=125G,node=2,billing=4,gres/gpu=4
"""
NODES_22 = """\
gpu-a|n1|64000|2|idle|gpu:fake:2
scav|n1|64000|2|idle|gpu:fake:2
cpu|n1|64000|2|idle|(null)
gpu-b|n2|64000|2|mixed|gpu:fake:2
scav|n2|64000|2|idle|gpu:fake:2
cpu|n2|64000|2|idle|(null)
"""
ASSOCIATIONS = "lab||normal,short||\nroot||normal||\n"
# of Slurm 22.05.8: sacctmgr show qos format=Name,Flags,MaxWall,MaxSubmitPU,MaxTRES,MaxTRESPU,GrpTRES
QUALITIES = """\
normal||||||
short|DenyOnLimit|02:00:00|30|cpu=8,gres/gpu=1,mem=16G|gres/gpu=2|cpu=100
of-gpus||1-00:00:00||||gres/gpu=1,gres/gpu:h100=8
"""


class Slurm:
    """A folder of commands, first on PATH. ``says`` sets what one of them prints where its arguments hold some words."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self._said: dict[str, list[tuple[str, str, int]]] = {}
        for name in ("sinfo", "squeue", "scontrol", "sbatch", "sacct", "sacctmgr", "scancel", "srun"):
            self.says(name, "", "")
        self.configured()
        self.says("scontrol", "show partition", PARTITIONS_22)
        self.says("sinfo", "--Node", NODES_22)
        self.says("sacctmgr", "associations", ASSOCIATIONS)
        self.says("sacctmgr", "show qos", QUALITIES)

    def configured(
        self, *, age: int = 300, accounting: str = "slurmdbd", enforce: str = "none", limits: str = "NO", version: str = "22.05.8"
    ) -> None:
        """Set what ``scontrol show config`` says."""
        shown = CONFIG.format(age=age, accounting=f"accounting_storage/{accounting}", enforce=enforce, limits=limits, version=version)
        self.says("scontrol", "show config", shown)

    def says(self, name: str, words: str, text: str, status: int = 0) -> None:
        """Let a command print ``text`` (to standard error where ``status`` is not 0) when its arguments hold ``words``."""
        said = self._said.setdefault(name, [])
        said[:] = [(words, text, status), *(one for one in said if one[0] != words)]
        lines = ["#!/bin/sh", f'echo "{name} $*" >> "{self.bin.parent}/calls"', 'case "$*" in']
        for number, (word, what, code) in enumerate(sorted(said, key=lambda one: -len(one[0]))):
            file = self.bin.parent / f"{name}-{number}.txt"
            file.write_text(what)
            lines.append(f"""  *"{word}"*) cat '{file}'{" >&2" if code else ""}; exit {code} ;;""")
        path = self.bin / name
        path.write_text("\n".join([*lines, "esac", ""]))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def lacks(self, name: str) -> None:
        """Take a command away."""
        (self.bin / name).unlink()

    @property
    def calls(self) -> list[str]:
        """Every call so far, as one line."""
        path = self.bin.parent / "calls"
        return path.read_text().splitlines() if path.exists() else []


def slurm_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    """Put made commands, and nothing else of Slurm, on PATH."""
    folder.mkdir()
    made = Slurm(folder)
    kept = [part for part in os.environ["PATH"].split(os.pathsep) if not any((Path(part) / name).exists() for name in ("sinfo", "squeue"))]
    # what scripts need, in case Slurm lies in the folder that also holds the shell
    tools = folder / "tools"
    tools.mkdir()
    for name in ("sh", "cat", "env", "bash", "git", "hostname", "sleep", "rm", "touch", "printf"):
        for place in ("/bin", "/usr/bin"):
            if (Path(place) / name).exists() and not (tools / name).exists():
                (tools / name).symlink_to(Path(place) / name)
    monkeypatch.setenv("PATH", os.pathsep.join([str(made.bin), str(tools), *kept]))
    return made
