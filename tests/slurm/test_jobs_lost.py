"""A job is cancelled, preempted, or loses its node, while Snakemake runs: the dataset is that of an undisturbed run, and one batch at most is computed again."""

import pytest

from slurm.cluster import IN_FLIGHT, Cluster, ClusterRun, until

pytestmark = pytest.mark.workflow


def test_cancelled_job_is_tried_again_and_goes_on(edits_missing: ClusterRun, undisturbed: ClusterRun, cluster: Cluster) -> None:
    run = edits_missing
    head = run.start()
    until(run.computing("edit", 6), 240, run.said)
    (job,) = cluster.queue("edit", "RUNNING")
    cluster.tell("scancel", job.id)
    run.pace(edit=0)
    assert run.finish(head) == 0, run.said()
    assert run.completed() == undisturbed.dataset()
    assert run.redone("edit", "verify") <= IN_FLIGHT
    (state,) = cluster.states(job.id)
    assert state.startswith("CANCELLED")
    asked = [
        (record["ReqMem"], record["Timelimit"])
        for record in cluster.accounted("ReqMem", "Timelimit")
        if int(record["JobIDRaw"]) >= int(job.id)
    ]
    assert asked[:2] == [("4000M", "08:00:00"), ("8000M", "16:00:00")], "the second try has more of both"
    assert "Trying to restart job" in run.path("head.txt").read_text()


def test_preempted_job_is_run_again_by_slurm(edits_missing: ClusterRun, undisturbed: ClusterRun, cluster: Cluster) -> None:
    run = edits_missing
    head = run.start("--set-resources", "edit:slurm_partition=scav", "--retries", "0")
    until(run.computing("edit", 6), 240, run.said)
    (job,) = cluster.queue("edit", "RUNNING")
    higher = cluster.tell(
        "sbatch", "--parsable", "--partition=cpu", f"--nodelist={job.node}", "--exclusive", "--output=/dev/null", "--wrap=sleep 3"
    )
    run.pace(edit=0)
    assert run.finish(head) == 0, run.said()
    assert run.completed() == undisturbed.dataset()
    assert run.redone("edit", "verify") <= IN_FLIGHT
    # the job asks for its requeueing itself, or Slurm does it at the end of the grace time
    assert cluster.states(job.id) in (["REQUEUED", "COMPLETED"], ["PREEMPTED", "COMPLETED"]), "the same job, twice"
    assert cluster.states(higher) == ["COMPLETED"]


def test_job_of_a_node_that_goes_down_is_run_again(edits_missing: ClusterRun, undisturbed: ClusterRun, cluster: Cluster) -> None:
    run = edits_missing
    head = run.start("--retries", "0")
    until(run.computing("edit", 6), 240, run.said)
    (job,) = cluster.queue("edit", "RUNNING")
    cluster.script("node-down", job.node)
    try:
        until(lambda: not cluster.queue("edit", "RUNNING"), 60, "the controller does not see that the node is gone")
    finally:
        cluster.script("node-up", job.node)
    run.pace(edit=0)
    assert run.finish(head) == 0, run.said()
    assert run.completed() == undisturbed.dataset()
    assert run.redone("edit", "verify") <= IN_FLIGHT
    assert cluster.states(job.id) == ["NODE_FAIL", "COMPLETED"], "the same job, twice"
