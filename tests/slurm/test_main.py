"""`snakemake --profile slurm all` on a real cluster: the dataset of a local run, each job on its partition."""

import csv
import statistics
from collections import Counter
from datetime import datetime

import pytest

from slurm.cluster import Cluster, ClusterRun, rule_of
from slurm.conftest import CONFIG

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def main_run(running_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> ClusterRun:
    """A whole run on the cluster, with a GPU for each job of a model, as a user would ask for it in the profile."""
    run = ClusterRun.prepared(tmp_path_factory.mktemp("main") / "checkout", CONFIG)
    for rule in ("instruct", "edit", "verify"):
        run.replace("profiles/slurm/config.yaml", f"  {rule}: {{", f"  {rule}: {{gpu: 1, ")
    run.cluster = running_cluster
    running_cluster.empty()
    assert run.finish(run.start(target="all"), 1200) == 0, run.said()
    return run


def test_dataset_is_that_of_a_local_run(main_run: ClusterRun, undisturbed: ClusterRun) -> None:
    assert main_run.dataset() == undisturbed.dataset() and len(main_run.dataset()) == 2
    assert main_run.redone("edit", "verify", shards=("00000", "00001")) == 0


def test_each_rule_ran_where_the_profile_says(main_run: ClusterRun) -> None:
    found: dict[str, set[tuple[str, bool]]] = {}
    for record in records(main_run):
        place = (record["Partition"], "gres/gpu=1" in record["AllocTRES"].split(","))
        found.setdefault(rule_of(record["Comment"]), set()).add(place)
        assert record["State"] == "COMPLETED"
    wanted = dict.fromkeys(
        ("ingest", "duplicates", "prefilter", "assemble", "card", "gallery", "table3", "filter_truth", "truth"), ("cpu", False)
    )
    wanted |= {"instruct": ("gpu-a", True), "edit": ("gpu-b", True), "verify": ("gpu-a", True)}
    assert found == {rule: {place} for rule, place in wanted.items()}
    (node,) = {record["NodeList"] for record in records(main_run) if rule_of(record["Comment"]) == "edit"}
    assert node.endswith("-2"), "the only node of gpu-b"


def test_overhead_of_a_job(main_run: ClusterRun) -> None:
    waiting, around = [], []
    for record in records(main_run):
        rule, _, shard = record["Comment"].removeprefix("rule_").partition("_wildcards_")
        benchmark = main_run.path(f"results/benchmarks/{rule}/{shard}.tsv" if shard else f"results/benchmarks/{rule}.tsv")
        around.append(float(record["ElapsedRaw"]) - float(benchmark.read_text().splitlines()[1].split()[0]))
        waiting.append((datetime.fromisoformat(record["Start"]) - datetime.fromisoformat(record["Submit"])).total_seconds())
    mean, most = statistics.mean(around), max(around)
    print(
        f"\n{len(around)} jobs: {mean:.1f} s a job around its command (at most {most:.1f}), {statistics.mean(waiting):.1f} s in the queue"
    )
    assert 0 < mean < 60


def test_a_run_ends_with_what_its_jobs_asked_and_used(main_run: ClusterRun) -> None:
    with main_run.path("results/benchmarks/efficiency.csv").open() as stream:
        rows = {row["rule"]: row for row in csv.DictReader(stream)}
    counts = Counter(rule_of(record["Comment"]) for record in records(main_run))
    assert counts.keys() - rows.keys() <= {"card", "gallery", "table3", "filter_truth"}, (
        "of the last jobs accounting may not know the end yet"
    )
    assert (rows["edit"]["jobs"], rows["edit"]["memory asked (MB)"], rows["edit"]["minutes asked"]) == (str(counts["edit"]), "4000", "480")
    assert 0 < float(rows["edit"]["most used"]) < 4000 and float(rows["edit"]["longest"]) > 0
    assert "Use by Slurm's accounting" in main_run.path("head.txt").read_text()


def records(run: ClusterRun) -> list[dict[str, str]]:
    """Accounting of the run's jobs; they carry the id that Snakemake said."""
    lines = run.path("head.txt").read_text().splitlines()
    (name,) = [line.split(": ")[1] for line in lines if line.startswith("SLURM run ID: ")]
    fields = ("JobName", "AllocTRES", "ElapsedRaw", "Submit", "Start")
    return [record for record in run.cluster.accounted(*fields) if record["JobName"] == name]
