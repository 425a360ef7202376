"""A training of two nodes, submitted by a rule that waits on the head node."""

from pathlib import Path

import pytest

from checkout import Checkout
from slurm.cluster import Cluster, ClusterRun

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


def test_training_runs_on_two_nodes(cluster: Cluster, tmp_path: Path) -> None:
    run = ClusterRun(Checkout.fresh(tmp_path / "checkout").folder)
    run.cluster = cluster
    run.path("test.yaml").write_text(CONFIG)
    run.snakemake("results/verifier/data/sft.parquet")
    assert run.finish(run.start(target=MODEL), 900) == 0, run.said() + run.path("results/logs/sft.log").read_text()
    (record,) = [one for one in cluster.accounted("JobName", "NNodes", "AllocTRES", "Account") if one["JobName"] == "unicedit-sft"]
    assert (record["State"], record["Partition"], record["NNodes"], record["Account"]) == ("COMPLETED", "gpu-a", "2", "lab")
    assert "gres/gpu=2" in record["AllocTRES"].split(","), "one for each process"
    assert [line.split(",")[0] for line in run.path(MODEL).read_text().splitlines()[1:]], "it has a curve"
    assert run.path("results/verifier/sft/model/model.safetensors").exists()
    assert not cluster.rules(), "the rule itself is no job"
