"""One cluster for all tests here, and one undisturbed local run that they compare with."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from slurm.cluster import Cluster, ClusterRun

DAEMONS = ("munged", "slurmctld", "slurmd", "slurmdbd", "mariadbd")
CONFIG = """\
library: {shard_size: 12}
world: {images: 24}
ingest: {size_divisor: 2}
edit: {batch_size: 2}
verify: {batch_size: 2}
"""


@pytest.fixture(scope="session")
def running_cluster() -> Iterator[Cluster]:
    missing = [name for name in DAEMONS if not shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")]
    if missing:
        pytest.skip(f"no Slurm here ({', '.join(missing)}): tests/slurm/cluster.sh install")
    folder = Path(tempfile.mkdtemp(prefix="cluster-", dir="/tmp"))  # short: names of sockets are
    made = Cluster(folder)
    made.script("up", "--accounting")
    yield made
    made.script("down")
    shutil.rmtree(folder)


@pytest.fixture
def cluster(running_cluster: Cluster) -> Iterator[Cluster]:
    """The cluster, with nothing in its queue."""
    running_cluster.empty()
    yield running_cluster
    running_cluster.empty()


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> ClusterRun:
    """A complete local run of two shards; copy it."""
    run = ClusterRun.prepared(tmp_path_factory.mktemp("local") / "checkout", CONFIG)
    run.snakemake("all")
    return run
