"""Snakemake itself is killed, as when a login node dies, while its jobs go on; it is started again at once, or by `make resume`."""

import pytest

from slurm.cluster import IN_FLIGHT, Cluster, ClusterRun, kill, until

pytestmark = pytest.mark.workflow


def test_killed_snakemake_is_started_again_beside_its_own_jobs(
    edits_missing: ClusterRun, undisturbed: ClusterRun, cluster: Cluster
) -> None:
    run = edits_missing
    run.pace(edit=4)
    head = run.start()
    until(run.computing("edit", 2), 240, run.said)
    (orphan,) = cluster.queue("edit", "RUNNING")
    kill(head)
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


@pytest.mark.parametrize("mode", ["cancel", "wait"])
def test_resume_deals_with_what_a_killed_snakemake_left(
    edits_missing: ClusterRun, undisturbed: ClusterRun, cluster: Cluster, mode: str
) -> None:
    run = edits_missing
    head = run.start()
    until(run.computing("edit", 2), 240, run.said)
    (orphan,) = cluster.queue("edit", "RUNNING")
    kill(head)
    assert run.finish(run.resume(mode)) == 0, run.said()
    said = run.path("head.txt").read_text()
    assert f"Slurm job {orphan.id}: edit" in said and "The folder is unlocked." in said
    assert [state.split()[0] for state in cluster.states(orphan.id)] == ["CANCELLED" if mode == "cancel" else "COMPLETED"]
    assert not cluster.queue("edit")
    assert run.completed() == undisturbed.dataset()
    assert run.redone("edit", "verify") <= (IN_FLIGHT if mode == "cancel" else 0)
