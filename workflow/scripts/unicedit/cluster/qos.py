"""Quality of service: the limits that Slurm puts on jobs beside a partition's, and which of them hold for a rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unicedit.cluster.account import Association
from unicedit.cluster.asked import Asked
from unicedit.cluster.finding import Finding
from unicedit.cluster.slurm import ask, megabytes, minutes

_FORMAT = "Name,Flags,MaxWall,MaxSubmitPU,MaxTRES,MaxTRESPU,GrpTRES"
_WHOSE = ("a job", "a user", "all together")
_UNITS = {"cpu": "CPUs", "mem": "MB", "gres/gpu": "GPUs", "node": "nodes"}


@dataclass(frozen=True, slots=True)
class Qos:
    """One QOS; limits are None, or missing, where there is none. ``most``: of CPUs, MB, GPUs and nodes that a job, a user, and all users together may have."""

    name: str
    refuses: bool  # at submission; else a job beyond a limit waits for ever
    minutes: float | None
    most_jobs: int | None
    most: tuple[Mapping[str, float], Mapping[str, float], Mapping[str, float]]


def _amounts(text: str) -> dict[str, float]:
    """Trackable resources as ``cpu=8,gres/gpu=1,mem=16G``; memory in MB, GPUs of all models."""
    found: dict[str, float] = {}
    for name, _, value in (part.partition("=") for part in text.split(",")):
        if name in _UNITS and (amount := megabytes(value)) is not None:
            found[name] = amount
    return found


def parse_qos(text: str) -> list[Qos]:
    """Every QOS from ``sacctmgr --parsable2`` in this module's format."""
    found = []
    for name, flags, wall, jobs, *most in (line.split("|") for line in text.splitlines() if line.count("|") == _FORMAT.count(",")):
        job, user, group = map(_amounts, most)
        found.append(Qos(name, "DenyOnLimit" in flags, minutes(wall), int(jobs) if jobs.isdigit() else None, (job, user, group)))
    return found


def qualities() -> list[Qos]:
    """Every QOS of the cluster. Raises ``SlurmError`` where the database does not answer."""
    return parse_qos(ask("sacctmgr", "--noheader", "--parsable2", "show", "qos", f"format={_FORMAT}"))


def _own(one: Asked, accounts: Sequence[Association]) -> Association | None:
    """The association that a rule's jobs are charged to: its account's, the one for its partition before the general one."""
    fitting = [each for each in accounts if one.account in (None, each.account) and each.partition in ("", one.partition)]
    return max(fitting, key=lambda each: bool(each.partition), default=None)


def check_qos(
    qualities: Sequence[Qos],
    accounts: Sequence[Association],
    of_partition: Mapping[str, str],
    asked: Sequence[Asked],
    jobs: int,
    enforced: str,
) -> list[Finding]:
    """What the QOS of rules, and of the partitions they are sent to, would refuse or let wait for ever.

    ``of_partition``: the QOS that a partition has of its own, by its name; ``jobs``: that the profile queues at once; ``enforced``: Slurm's
    AccountingStorageEnforce.
    """
    known = {one.name: one for one in qualities}
    found: list[Finding] = []
    bound: dict[tuple[str, str], list[Asked]] = {}  # by QOS, and the one whose limits come first
    for one in asked:
        association = _own(one, accounts)
        if one.qos and association and one.qos not in association.qos:
            text = f"qos {one.qos} is not open to account {association.account} ({one.rule})"
            found.append(Finding("error", text, f"it may use {', '.join(association.qos) or 'none'}"))
        named = one.qos or (association.default_qos if association else "")
        first = of_partition.get(one.partition or "", "")
        for name, over in {(first, ""), (named, first)}:
            if name in known and name != over:
                bound.setdefault((name, over), []).append(one)
    if not {"limits", "safe", "all", "qos"} & set(enforced.replace(" ", "").split(",")):
        return found
    for (name, over), rules in sorted(bound.items()):
        found += _beyond(_under(known[name], known.get(over)), rules, jobs)
    return found


def _under(qos: Qos, first: Qos | None) -> Qos:
    """The limits of a job's QOS that a partition's own QOS, which comes first, does not set."""
    if first is None:
        return qos
    job, user, group = (
        {name: limit for name, limit in own.items() if name not in above} for own, above in zip(qos.most, first.most, strict=True)
    )
    return Qos(
        qos.name,
        qos.refuses,
        qos.minutes if first.minutes is None else None,
        qos.most_jobs if first.most_jobs is None else None,
        (job, user, group),
    )


def _beyond(qos: Qos, rules: Sequence[Asked], jobs: int) -> list[Finding]:
    fate = "sbatch refuses such jobs" if qos.refuses else "such jobs wait in the queue for ever"
    found = []
    if qos.minutes is not None and (long := [one for one in rules if (one.minutes or 0) > qos.minutes]):
        listed = ", ".join(f"{one.rule} ({one.minutes:,.0f} min)" for one in long)
        remedy = f"runtime: {qos.minutes:.0f} for these rules in set-resources (jobs resume), or another qos"
        found.append(
            Finding("error", f"qos {qos.name} ends jobs after {qos.minutes:,.0f} min, but more is asked: {listed}; {fate}", remedy)
        )
    for whose, most in zip(_WHOSE, qos.most, strict=True):
        for name, limit in most.items():
            if large := [(one, figure) for one in rules if (figure := _figure(one, name)) > limit]:
                listed = ", ".join(f"{one.rule} ({figure:,.0f})" for one, figure in large)
                text = f"qos {qos.name} gives {whose} {limit:,.0f} {_UNITS[name]}, but one job asks more: {listed}; {fate}"
                found.append(Finding("error", text, "ask for less in set-resources, or another qos"))
    if qos.most_jobs is not None and qos.most_jobs < jobs:
        text = f"jobs: {jobs} in the profile, but qos {qos.name} lets you have {qos.most_jobs} in the queue; sbatch refuses the others, which uses up retries"
        found.append(Finding("error", text, f"jobs: {qos.most_jobs}"))
    return found


def _figure(one: Asked, name: str) -> float:
    """What a job of a rule asks of a resource, over all its nodes."""
    each = {"cpu": one.cpus, "mem": one.memory_mb or 0.0, "gres/gpu": one.gpus, "node": 1}
    return float(each[name] * one.nodes)
