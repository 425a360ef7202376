"""The partitions of the cluster, their limits and their nodes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from unicedit.cluster.slurm import ask, megabytes, minutes

_NODE_FORMAT = "%R|%N|%m|%c|%T|%G"
_GPU = re.compile(r"(?:^|,)gpu:(?:([\w.-]+):)?(\d+)")
_AWAY = ("down", "drain", "fail", "maint", "unk")


@dataclass(frozen=True, slots=True)
class Node:
    """A node as one partition has it. ``memory_mb`` is what jobs may have of it."""

    name: str
    memory_mb: float
    cpus: int
    gpus: int
    state: str

    @property
    def usable(self) -> bool:
        """Whether jobs start on it: it answers, and is not about to leave. A node that sleeps to save power is woken."""
        return "power" in self.state or not (self.state.endswith("*") or any(word in self.state for word in _AWAY))


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition. Limits are None where there is none."""

    name: str
    default: bool
    up: bool
    minutes: float | None
    memory_mb: float | None  # a node's, by MaxMemPerNode
    max_nodes: int | None
    accounts: tuple[str, ...]  # that may use it; empty: all
    preemptible: bool
    nodes: tuple[Node, ...]
    qos: str = ""  # its own, whose limits hold for all its jobs

    @property
    def gpus(self) -> int:
        """GPUs of the node that has most."""
        return max((node.gpus for node in self.nodes), default=0)

    @property
    def most_memory_mb(self) -> float:
        """The largest memory a job can have on one node of it."""
        most = max((node.memory_mb for node in self.nodes), default=0.0)
        return most if self.memory_mb is None else min(most, self.memory_mb)

    @property
    def most_cpus(self) -> int:
        return max((node.cpus for node in self.nodes), default=0)


def parse_partitions(shown: str, nodes: str) -> list[Partition]:
    """Partitions from ``scontrol show partition --oneliner`` and ``sinfo --Node`` in this module's format."""
    by_partition: dict[str, list[Node]] = {}
    for line in nodes.splitlines():
        partition, name, memory, cpus, state, gres = line.split("|", 5)
        gpus = sum(int(found[1]) for found in _GPU.findall(gres))
        by_partition.setdefault(partition, []).append(Node(name, megabytes(memory) or 0.0, int(cpus), gpus, state.lower()))
    found = []
    for line in shown.splitlines():
        values = dict(word.split("=", 1) for word in line.split() if "=" in word)
        if "PartitionName" not in values:
            continue
        name, most = values["PartitionName"], values.get("MaxNodes", "UNLIMITED")
        accounts = values.get("AllowAccounts", "ALL")
        found.append(
            Partition(
                name=name,
                default=values.get("Default") == "YES",
                up=values.get("State", "UP") == "UP",
                minutes=minutes(values.get("MaxTime", "UNLIMITED")),
                memory_mb=None if values.get("MaxMemPerNode", "0") == "0" else megabytes(values["MaxMemPerNode"]),
                max_nodes=int(most) if most.isdigit() else None,
                accounts=() if accounts == "ALL" else tuple(accounts.split(",")),
                preemptible=values.get("PreemptMode", "OFF").split(",")[0] in ("REQUEUE", "CANCEL", "SUSPEND"),
                nodes=tuple(by_partition.get(name, ())),
                qos="" if values.get("QoS", "N/A") == "N/A" else values["QoS"],
            )
        )
    return found


def partitions() -> list[Partition]:
    """Every partition this user can see. Raises ``SlurmError`` where the controller does not answer."""
    return parse_partitions(
        ask("scontrol", "show", "partition", "--oneliner"), ask("sinfo", "--noheader", "--Node", f"--format={_NODE_FORMAT}")
    )


def fitting(found: Sequence[Partition], *, gpus: int, minutes: float | None, memory_mb: float | None) -> list[Partition]:
    """The partitions that are up and could run such a job; those for good before preemptible ones, then the smaller machines."""
    could = [
        one
        for one in found
        if one.up
        and one.gpus >= gpus
        and (minutes is None or one.minutes is None or one.minutes >= minutes)
        and (memory_mb is None or one.most_memory_mb >= memory_mb)
    ]
    return sorted(could, key=lambda one: (one.preemptible, one.gpus, not one.default, one.name))
