"""`snakemake --profile slurm all` on a real cluster: the dataset of a local run, each job on its partition."""

import time
from pathlib import Path

import pytest

from slurm.cluster import Cluster, ClusterRun
from slurm.conftest import CONFIG

pytestmark = pytest.mark.workflow


def test_dataset_is_that_of_a_local_run(running_cluster: Cluster, undisturbed: ClusterRun, tmp_path: Path) -> None:
    run = ClusterRun.prepared(tmp_path / "checkout", CONFIG)
    run.cluster = running_cluster
    began = time.monotonic()
    assert run.finish(run.start(), 400) == 0, run.said()
    print(f"wall {time.monotonic() - began:.0f} s")
    assert run.dataset() == undisturbed.dataset() and len(run.dataset()) == 2
