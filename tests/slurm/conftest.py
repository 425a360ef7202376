"""One cluster for all tests of a process here, and one undisturbed local run that they compare with."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from slurm.cluster import Cluster, ClusterRun

DAEMONS = ("munged", "slurmctld", "slurmd", "slurmdbd", "mariadbd")
LONG = os.environ.get("UNICEDIT_LONG") == "1"
CONFIG = """\
library: {shard_size: 6}
world: {images: 12}
ingest: {size_divisor: 2}
edit: {batch_size: 2}
verify: {batch_size: 2}
benchmark: {source: none}
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


@pytest.fixture(params=range(3 if LONG else 1))
def edits_missing(undisturbed: ClusterRun, cluster: Cluster, tmp_path: Path) -> ClusterRun:
    """A copy of the undisturbed run that owes the first shard's edits and what follows of them, a second a row. In ``make test-long`` three times."""
    run = undisturbed.on(cluster, tmp_path / "checkout")
    run.forget_shard("edit", "verify", "assemble")
    run.pace(edit=1)
    return run
