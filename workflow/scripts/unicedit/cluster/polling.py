"""Whether the executor plugin learns how its jobs end, and how many it may have."""

from collections.abc import Mapping
from typing import Any

from unicedit.cluster.account import keeps_accounts
from unicedit.cluster.check import Cluster
from unicedit.cluster.finding import Finding

INIT_SECONDS = 40  # the executor plugin's default before its first look
LONGEST_PAUSE_SECONDS = 180  # between two looks of the executor plugin at its jobs


def check_states(cluster: Cluster, profile: Mapping[str, Any], sacct_there: bool) -> list[Finding]:
    """Whether the executor plugin learns how its jobs end: MinJobAge against its pauses, and the command it asks with."""
    text = cluster.configuration.get("MinJobAge", "300 sec").split()[0]
    age = int(text) if text.isdigit() else 300
    init = int(profile.get("slurm-init-seconds-before-status-checks", INIT_SECONDS))
    accounts = keeps_accounts(cluster.configuration)
    command = profile.get("slurm-status-command", "sacct" if sacct_there else "squeue")
    turned = command == "squeue" and age < 3 * init and sacct_there
    if (command == "sacct" and sacct_there) or turned:
        if not accounts:
            why = (
                f"MinJobAge is {age} s, below three times the first pause ({init} s), so it turns to sacct"
                if turned
                else "the profile says sacct"
            )
            remedy = (
                f"slurm-init-seconds-before-status-checks: {max(5, age // 3)}" if turned and age >= 15 else "slurm-status-command: squeue"
            )
            return [
                Finding(
                    "error", f"the executor asks sacct how jobs ended ({why}), and the cluster keeps no accounts: it waits for ever", remedy
                )
            ]
        text = (
            "the executor asks sacct how jobs ended, which names a cancelled job in words it does not know: it waits for that job for ever"
        )
        return [
            Finding("warning", text, "slurm-status-command: squeue" if not turned else f"have MinJobAge raised to {3 * init} s or more")
        ]
    if age <= LONGEST_PAUSE_SECONDS:
        text = f"MinJobAge is {age} s, but the executor pauses up to {LONGEST_PAUSE_SECONDS} s: a job that ends in between is forgotten, and waited for for ever"
        remedy = "have MinJobAge raised to 300 s" + (", or slurm-status-command: sacct (which misses cancelled jobs)" if accounts else "")
        return [Finding("error", text, remedy)]
    return [
        Finding("ok", f"squeue knows an ended job for {age} s (MinJobAge), the executor looks every {init} to {LONGEST_PAUSE_SECONDS} s")
    ]


def check_counts(cluster: Cluster, profile: Mapping[str, Any]) -> list[Finding]:
    """The profile's number of jobs against what the controller holds."""
    jobs, most = int(profile.get("jobs", 1)), cluster.configuration.get("MaxJobCount", "10000")
    if most.isdigit() and jobs > int(most):
        return [Finding("error", f"jobs: {jobs} in the profile, but the whole cluster holds {most}", f"jobs: {int(most) // 10}")]
    if profile.get("executor") != "slurm":
        return [Finding("error", f"the profile's executor is {profile.get('executor')!r}: everything would run here", "executor: slurm")]
    return []
