"""A training of two nodes, submitted by a rule that waits on the head node."""

from pathlib import Path

import pytest

from checkout import Checkout
from slurm.cluster import Cluster, ClusterRun, kill, until

pytestmark = pytest.mark.workflow

CONFIG = """\
library: {shard_size: 4}
world: {images: 4}
verify: {engine: transformers}
verifier: {reply: short}
samples:
  part_size: 60
  world:
    sft: {normal: 16, no_edit: 16}
    d2po: {normal: 2, no_edit: 2, hallucination: 2}
    validation: {normal: 2, no_edit: 2, hallucination: 2}
    test: {normal: 2, no_edit: 2, hallucination: 2}
sft: {steps: 3, epochs: null, batch_size: 8}
launch:
  mode: slurm
  nodes: 2
  minutes: 20
  slurm: {partition: gpu-a, account: lab, gpus_per_process: 1, cpus_per_process: 1, memory_gb: 8}
"""
MODEL = "results/verifier/sft/curves.csv"


@pytest.fixture(scope="module")
def with_samples(tmp_path_factory: pytest.TempPathFactory) -> ClusterRun:
    """A checkout with the training's samples made; copy it."""
    run = ClusterRun(Checkout.fresh(tmp_path_factory.mktemp("samples") / "checkout").folder)
    run.path("test.yaml").write_text(CONFIG)
    run.snakemake("results/verifier/data/sft.parquet")
    return run


def told(run: ClusterRun) -> str:
    """What Snakemake said, and the training's rule."""
    return run.said() + run.path("results/logs/sft.log").read_text()


def test_training_runs_on_two_nodes(with_samples: ClusterRun, cluster: Cluster, tmp_path: Path) -> None:
    run = with_samples.on(cluster, tmp_path / "checkout")
    known = {one["JobIDRaw"] for one in cluster.accounted()}
    assert run.finish(run.start(target=MODEL), 900) == 0, told(run)
    (record,) = [one for one in trainings(cluster, "NNodes", "AllocTRES", "Account") if one["JobIDRaw"] not in known]
    assert (record["State"], record["Partition"], record["NNodes"], record["Account"]) == ("COMPLETED", "gpu-a", "2", "lab")
    assert "gres/gpu=2" in record["AllocTRES"].split(","), "one for each process"
    assert [line.split(",")[0] for line in run.path(MODEL).read_text().splitlines()[1:]], "it has a curve"
    assert run.path("results/verifier/sft/model/model.safetensors").exists()
    assert not cluster.rules(), "the rule itself is no job"


def test_resume_finds_the_training_of_a_killed_snakemake(with_samples: ClusterRun, cluster: Cluster, tmp_path: Path) -> None:
    run = with_samples.on(cluster, tmp_path / "checkout")
    head = run.start(target=MODEL)
    until(lambda: running(cluster), 120, lambda: told(run))
    (cancelled,) = running(cluster)
    kill(head)
    head = run.resume("cancel", MODEL)
    until(lambda: running(cluster) - {cancelled}, 120, lambda: told(run))
    (kept,) = running(cluster)
    kill(head)
    assert run.finish(run.resume("wait", MODEL), 900) == 0, told(run)
    said = run.path("head.txt").read_text()
    assert f"Slurm job {cancelled}: " in said and f"Slurm job {kept}: " in said and "Trainings go on" in said
    ended = {one["JobIDRaw"]: one["State"].split()[0] for one in trainings(cluster)}
    assert (ended[cancelled], ended[kept]) == ("CANCELLED", "COMPLETED")
    assert max(ended, key=int) == kept, "the last one goes on, and none is begun beside it"
    assert run.path("results/verifier/sft/model/model.safetensors").exists()


def trainings(cluster: Cluster, *fields: str) -> list[dict[str, str]]:
    """Accounting records of the trainings."""
    return [one for one in cluster.accounted("JobName", *fields) if one["JobName"] == "unicedit-sft"]


def running(cluster: Cluster) -> set[str]:
    """The trainings that run."""
    return set(cluster.tell("squeue", "--noheader", "--name=unicedit-sft", "--states=RUNNING", "--format=%A").split())
