"""Snakemake itself is killed, as when a login node dies, while its jobs go on; it is started again at once."""

import os
import signal

import pytest

from slurm.cluster import Cluster, ClusterRun, until

pytestmark = pytest.mark.workflow


def test_killed_snakemake_is_started_again_beside_its_own_jobs(
    edits_missing: ClusterRun, undisturbed: ClusterRun, cluster: Cluster
) -> None:
    run = edits_missing
    run.pace(edit=4)
    head = run.start()
    until(run.computing("edit", 2), 240, run.said)
    (orphan,) = cluster.queue("edit", "RUNNING")
    os.killpg(head.pid, signal.SIGKILL)
    head.wait()
    unlocking = run.start("--unlock")
    assert run.finish(unlocking) == 0, run.said()
    head = run.start()
    refused = "is writing this output; wait for it, or cancel it, and run again"
    until(lambda: refused in run.attempts("edit"), 240, run.said)
    assert [job.state for job in cluster.queue("edit") if job.id == orphan.id] == ["RUNNING"], "it was not disturbed"
    run.pace(edit=0)
    assert run.finish(head) == 0, run.said()
    assert run.completed() == undisturbed.dataset()
    assert run.redone("edit", "verify") == 0, "whoever came second took over what was finished"
