"""What to put in the profile, where it does not fit the cluster."""

from collections import Counter
from collections.abc import Mapping, Sequence

from unicedit.cluster.asked import Asked
from unicedit.cluster.check import Cluster
from unicedit.cluster.partition import Partition, fitting


def _fits(partition: Partition | None, one: Asked, gpus: int) -> bool:
    return partition is not None and partition in fitting([partition], gpus=gpus, minutes=one.minutes, memory_mb=one.memory_mb)


def _nearest(cluster: Cluster, one: Asked, gpus: int) -> Partition | None:
    """The partition to send a rule to: its own if that will do, else the first that fits; where none does, one that comes near, its own before others."""
    own = cluster.partition(one.partition)
    if _fits(own, one, gpus):
        return own
    could = fitting(cluster.partitions, gpus=gpus, minutes=one.minutes, memory_mb=one.memory_mb)
    if could:
        return could[0]
    gpus = min(gpus, max((each.gpus for each in cluster.partitions), default=0))
    near = fitting(cluster.partitions, gpus=gpus, minutes=None, memory_mb=None)
    return own if own in near else next(iter(near), None)


def advice(cluster: Cluster, asked: Mapping[str, Asked], gpu_rules: set[str]) -> list[str]:
    """Lines of YAML for the profile: a partition for every rule that fits what it asks, cut to the partition's limits; and the account."""
    chosen: dict[str, Partition] = {}
    for rule, one in asked.items():
        gpus = max(one.gpus, int(rule in gpu_rules))
        if (partition := _nearest(cluster, one, gpus)) is not None:
            chosen[rule] = partition
    if not chosen:
        return []
    usual = Counter(one.name for rule, one in chosen.items() if rule not in gpu_rules).most_common(1)
    default = usual[0][0] if usual else next(iter(chosen.values())).name
    accounts = sorted({one.account for one in cluster.accounts})
    lines = ["default-resources:", f"  slurm_partition: {default}"]
    named = {one.account for one in asked.values() if one.account}
    if accounts and not (named and named <= set(accounts)):
        lines.append(f"  slurm_account: {accounts[0]}" + (f"  # or {', '.join(accounts[1:])}" if accounts[1:] else ""))
    own = [line for rule, partition in chosen.items() for line in _own(asked[rule], partition, default, rule in gpu_rules)]
    return [*lines, *(["set-resources:", *own] if own else [])]


def _own(one: Asked, partition: Partition, default: str, gpu: bool) -> Sequence[str]:
    lines = [f"    slurm_partition: {partition.name}"] if partition.name != default else []
    if gpu or one.gpus:
        lines.append(f"    gpu: {min(max(one.gpus, 1), partition.gpus)}")
    if partition.minutes is not None and one.minutes and one.minutes > partition.minutes:
        lines.append(f"    runtime: {partition.minutes:.0f}")
    if partition.most_memory_mb and one.memory_mb and one.memory_mb > partition.most_memory_mb:
        lines.append(f"    mem_mb: {partition.most_memory_mb:.0f}")
    return [f"  {one.rule}:", *lines] if lines else []
