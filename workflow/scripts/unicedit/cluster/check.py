"""Whether a run under a profile would work on this cluster: partitions, limits and accounts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unicedit.cluster.account import Association, keeps_accounts
from unicedit.cluster.asked import TRAININGS, Asked
from unicedit.cluster.finding import Finding
from unicedit.cluster.partition import Partition
from unicedit.config.model import Config
from unicedit.plan.work import CPU_ENGINES

OLDEST = (22, 5)  # Slurm release


@dataclass(frozen=True, slots=True)
class Cluster:
    """What the cluster says of itself: ``scontrol show config``, its partitions, this user's accounts (and why they are not known)."""

    configuration: Mapping[str, str]
    partitions: Sequence[Partition]
    accounts: Sequence[Association]
    accounts_fault: str = ""

    def partition(self, name: str | None) -> Partition | None:
        """A partition by name; without one, the default one."""
        return next((one for one in self.partitions if (one.default if name is None else one.name == name)), None)


def wants_gpu(config: Config) -> set[str]:
    """Rules whose engines, as configured, compute with a model that is too large for a CPU."""
    rules = {"prefilter"} if config.prefilter.aesthetic or config.prefilter.safety else set()
    if (embedding := config.contamination.embedding) and embedding.device != "cpu":
        rules |= {"references", "lookalikes"}
    rules |= {"instruct"} if config.instruct.engine not in CPU_ENGINES else set()
    rules |= {"edit"} if any(one.engine not in CPU_ENGINES for one in config.edit.editors) else set()
    rules |= {"verify"} if config.verify.engine == "vllm" else set()
    if config.verifier.base != type(config.verifier)().base:
        rules |= {*TRAININGS, "evaluate", "ssim_claim"} | ({"verify"} if config.verify.engine == "transformers" else set())
    return rules


def check_version(configuration: Mapping[str, str]) -> Finding:
    version = configuration.get("SLURM_VERSION", "unknown")
    digits = [int(part) for part in version.split(".")[:2] if part.isdigit()]
    if tuple(digits) < OLDEST:
        return Finding("warning", f"Slurm {version}: older than 22.05, never tried", "try a small run first")
    return Finding("ok", f"Slurm {version}, cluster {configuration.get('ClusterName', '?')}")


def _names(rules: Sequence[Asked], show: str) -> str:
    """``card, edit (480 min)``: rules with what they ask, equal figures together."""
    by_figure: dict[str, list[str]] = {}
    for one in rules:
        figure = {
            "minutes": f"{one.minutes or 0:,.0f} min",
            "memory": f"{one.memory_mb or 0:,.0f} MB",
            "gpus": f"{one.gpus}",
            "cpus": f"{one.cpus}",
        }
        by_figure.setdefault(figure[show], []).append(one.rule)
    return "; ".join(f"{', '.join(names)} ({figure})" for figure, names in by_figure.items())


def _limits(partition: Partition, rules: Sequence[Asked], fate: str, attempt: int) -> list[Finding]:
    level: Any = "error" if attempt == 1 else "warning"
    when = "" if attempt == 1 else f" at attempt {attempt}"
    found = []
    if partition.minutes is not None and (long := [one for one in rules if (one.minutes or 0) > partition.minutes]):
        text = f"partition {partition.name} ends jobs after {partition.minutes:,.0f} min, but more is asked{when}: {_names(long, 'minutes')}; {fate}"
        found.append(
            Finding(level, text, f"runtime: {partition.minutes:.0f} for these rules in set-resources (jobs resume), or another partition")
        )
    most = partition.most_memory_mb
    if most and (large := [one for one in rules if (one.memory_mb or 0) > most]):
        text = f"partition {partition.name} has {most:,.0f} MB a node, but more is asked{when}: {_names(large, 'memory')}; {fate}"
        found.append(Finding(level, text, f"mem_mb: at most {most:.0f} in set-resources, or another partition"))
    if attempt > 1:
        return found
    if many := [one for one in rules if one.gpus > partition.gpus]:
        text = f"partition {partition.name} has {partition.gpus or 'no'} GPUs a node, but more is asked: {_names(many, 'gpus')}; {fate}"
        found.append(Finding("error", text, "another partition, or a smaller gpu: in set-resources"))
    if partition.nodes and (wide := [one for one in rules if one.cpus > partition.most_cpus]):
        text = f"partition {partition.name} has {partition.most_cpus} CPUs a node, but more is asked: {_names(wide, 'cpus')}; {fate}"
        found.append(Finding("error", text, "fewer threads in set-threads, or another partition"))
    if spread := [one for one in rules if one.nodes > min(len(partition.nodes), partition.max_nodes or len(partition.nodes))]:
        text = f"partition {partition.name} gives a job fewer nodes than launch.nodes asks: {', '.join(one.rule for one in spread)}; {fate}"
        found.append(Finding("error", text, "launch.nodes in the configuration, or another launch.slurm.partition"))
    return found


def check_partitions(
    cluster: Cluster, by_attempt: Sequence[Mapping[str, Asked]], trainings: Sequence[Asked], gpu_rules: set[str]
) -> list[Finding]:
    """Every partition that rules are sent to: that it exists, has nodes, and can give what they ask, at the first and at later attempts."""
    enforced = cluster.configuration.get("EnforcePartLimits", "NO") not in ("NO", "0")
    fate = "sbatch refuses such jobs" if enforced else "such jobs wait in the queue for ever"
    found = []
    first = [*by_attempt[0].values(), *trainings]
    for name in dict.fromkeys(one.partition for one in first):
        rules = [one for one in first if one.partition == name]
        listed = ", ".join(one.rule for one in rules)
        partition = cluster.partition(name)
        if partition is None:
            there = ", ".join(one.name for one in cluster.partitions)
            what = f"partition {name} does not exist" if name else "no partition is named, and the cluster has no default one"
            found.append(Finding("error", f"{what} (for {listed})", f"slurm_partition in the profile; there are {there}"))
            continue
        usable = [node for node in partition.nodes if node.usable]
        if not partition.up or not usable:
            state = "is not up" if not partition.up else f"has {len(partition.nodes)} nodes, none of which takes jobs"
            found.append(
                Finding("error", f"partition {partition.name} {state} (for {listed})", "another partition, or wait until it is back")
            )
            continue
        faults = _limits(partition, rules, fate, 1)
        seen = set()
        for attempt, asked in enumerate(by_attempt[1:], 2):
            later = [one for one in asked.values() if one.partition == name and one.rule not in seen]
            more = _limits(partition, later, fate, attempt) if not faults else []
            seen |= {one.rule for one in later if more}
            faults += more
        if idle := [one.rule for one in rules if one.rule in gpu_rules and not one.gpus]:
            faults.append(
                Finding(
                    "warning",
                    f"{', '.join(idle)}: the configured engine needs a GPU, and the profile asks for none",
                    "gpu: 1 in set-resources",
                )
            )
        found += faults or [Finding("ok", f"partition {partition.name}: {_figures(partition, len(usable))}; takes {listed}")]
        if partition.preemptible and (trained := [one.rule for one in rules if one.training]):
            found.append(Finding("ok", f"partition {partition.name} may preempt {', '.join(trained)}: they go on from a checkpoint"))
    return found


def _figures(partition: Partition, usable: int) -> str:
    limit = "no time limit" if partition.minutes is None else f"{partition.minutes:,.0f} min"
    gpus = f", {partition.gpus} GPUs" if partition.gpus else ""
    preempted = ", preemptible" if partition.preemptible else ""
    return f"{usable} of {len(partition.nodes)} nodes up, {partition.most_memory_mb:,.0f} MB, {partition.most_cpus} CPUs{gpus} a node, {limit}{preempted}"


def check_accounts(cluster: Cluster, asked: Sequence[Asked], jobs: int) -> list[Finding]:
    """The accounts that rules name, against those this user has; and how many jobs may be queued."""
    named = {one.account for one in asked if one.account}
    if not keeps_accounts(cluster.configuration):
        extra = f", though the profile names {', '.join(sorted(named))}" if named else ""
        level: Any = "warning" if named else "ok"
        return [Finding(level, f"the cluster keeps no accounts{extra}", "leave slurm_account out of the profile" if named else "")]
    if cluster.accounts_fault:
        return [Finding("warning", f"accounts are not known: {cluster.accounts_fault}", "ask your cluster's staff which account to name")]
    have = {one.account for one in cluster.accounts}
    enforced = "associations" in cluster.configuration.get("AccountingStorageEnforce", "none")
    if not have:
        level = "error" if enforced else "warning"
        return [Finding(level, "you have no account on this cluster", "ask your cluster's staff for one")]
    found = []
    if wrong := sorted(named - have):
        found.append(Finding("error", f"account {', '.join(wrong)} is not yours", f"slurm_account: {', '.join(sorted(have))}"))
    elif not named:
        text = f"the profile names no account, so the executor guesses one; you have {', '.join(sorted(have))}"
        found.append(Finding("warning", text, f"default-resources: slurm_account: {min(have)}"))
    else:
        found.append(Finding("ok", f"account {', '.join(sorted(named))}"))
    for one in asked:
        partition = cluster.partition(one.partition)
        if partition and partition.accounts and one.account and one.account not in partition.accounts:
            text = f"partition {partition.name} does not take account {one.account} ({one.rule})"
            found.append(Finding("error", text, f"it takes {', '.join(partition.accounts)}"))
    limits = [one.most_jobs for one in cluster.accounts if one.most_jobs is not None and one.account in (named or have)]
    if limits and min(limits) < jobs:
        text = f"jobs: {jobs} in the profile, but you may have {min(limits)} in the queue; sbatch refuses the others, which uses up retries"
        found.append(Finding("error", text, f"jobs: {min(limits)}"))
    return found
