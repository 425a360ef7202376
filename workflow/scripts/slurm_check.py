"""Look at this Slurm cluster: would a run under the profile work here, and what should the profile say?"""

import shutil
import sys
from pathlib import Path

from unicedit.command import run, run_parser

RULES = Path(__file__).resolve().parents[1] / "rules"


def main() -> None:
    made = run_parser(str(__doc__))
    made.add_argument("--profile", type=Path, default=Path("profiles/slurm"), help="the profile's folder")
    made.add_argument(
        "--probe", action="store_true", help="run a job of a second on a node of each partition: does it see the working folder?"
    )
    arguments = made.parse_args()
    from rich.console import Console

    from unicedit.cluster.account import accounts_or_fault, keeps_accounts
    from unicedit.cluster.advice import advice
    from unicedit.cluster.asked import asked, read_profile, rules_in, trainings_asked
    from unicedit.cluster.check import Cluster, check_accounts, check_partitions, check_version, wants_gpu
    from unicedit.cluster.finding import show
    from unicedit.cluster.folders import looked_at, probed
    from unicedit.cluster.partition import partitions
    from unicedit.cluster.polling import check_counts, check_states
    from unicedit.cluster.qos import check_qos, qualities
    from unicedit.cluster.slurm import configuration
    from unicedit.monitor.places import places_of
    from unicedit.workflow import read_config

    profile = read_profile(arguments.profile)
    config = read_config([Path("config/config.yaml"), *arguments.configfile])
    rules = rules_in(RULES)
    by_attempt = [asked(rules, profile, attempt) for attempt in range(1, int(profile.get("retries", 0)) + 2)]
    trainings = trainings_asked(config.launch)
    gpu_rules = wants_gpu(config)
    told = configuration()
    cluster = Cluster(told, partitions(), *(accounts_or_fault() if keeps_accounts(told) else ([], "")))
    everything = [*by_attempt[0].values(), *trainings]
    findings = [check_version(cluster.configuration)]
    findings += check_partitions(cluster, by_attempt, trainings, gpu_rules)
    jobs = int(profile.get("jobs", 1))
    findings += check_accounts(cluster, everything, jobs)
    if cluster.accounts:
        of_partition = {one.name: one.qos for one in cluster.partitions}
        enforced = told.get("AccountingStorageEnforce", "none")
        findings += check_qos(qualities(), cluster.accounts, of_partition, everything, jobs, enforced)
    findings += [*check_states(cluster, profile, shutil.which("sacct") is not None), *check_counts(cluster, profile)]
    results, scratch = places_of(["--configfile", *map(str, arguments.configfile)])
    if arguments.probe:
        sent = {one.partition: one.account for one in everything if cluster.partition(one.partition) is not None}
        findings += [probed(partition, account, Path.cwd()) for partition, account in sent.items() if partition is not None]
    else:
        findings += looked_at({"the working folder": Path(), "results": results, "scratch": scratch, "Python": Path(sys.prefix)})
    console = Console()
    show(findings, console)
    faults = [one for one in findings if one.level != "ok"]
    if faults and (lines := advice(cluster, by_attempt[0], gpu_rules)):
        console.print(f"\nOf this cluster, {arguments.profile}/config.yaml could say:\n", markup=False, highlight=False)
        console.print("\n".join(lines), markup=False, highlight=False)
    errors = sum(one.level == "error" for one in findings)
    console.print(f"\n{errors} errors, {len(faults) - errors} warnings" if faults else "\nThe profile fits this cluster.", highlight=False)
    if errors:
        sys.exit(1)


if __name__ == "__main__":
    run(main)
