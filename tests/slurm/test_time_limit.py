"""A job near its time limit: a signal comes, it stores what it has and goes back into the queue, as long as it gets on."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from number_stage import calls_of
from slurm.cluster import BATCH, Cluster, ClusterRun, until

pytestmark = pytest.mark.workflow
SLOW = Path(__file__).with_name("slow_numbers.py")


@pytest.fixture(scope="module", autouse=True)
def stuck(running_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A job of a minute whose first batch takes ten, beside the other test: its id, and its folder.

    It has the signal sent itself, again and again: of so short a job Slurm would announce the end before Python has begun.
    """
    folder = tmp_path_factory.mktemp("stuck")
    script = f"(while sleep 3; do scancel --signal=URG $SLURM_JOB_ID; done) & srun {sys.executable} {SLOW} {folder} 600"
    options = ["--requeue", "--time=1", "--mem=1000", f"--output={folder}/log", "--open-mode=append"]
    job = running_cluster.tell("sbatch", "--parsable", *options, f"--wrap={script}")
    yield job, folder
    subprocess.run(["scancel", job], env=running_cluster.environment, check=False)


def test_job_goes_back_into_the_queue_and_uses_up_no_retry(
    edits_missing: ClusterRun, undisturbed: ClusterRun, cluster: Cluster, stuck: tuple[str, Path]
) -> None:
    run = edits_missing
    run.pace(edit=8)  # in all more than a window
    # Slurm may send the signal up to a minute early: 60 to 120 s from the beginning
    head = run.start("--retries", "0", "--set-resources", "edit:runtime=3", "edit:slurm_extra='--signal=23@60'")
    until(run.computing("edit", 1), 240, run.said)
    (job,) = cluster.queue("edit", "RUNNING")
    until(lambda: cluster.states(job.id)[:1] == ["REQUEUED"], 240, run.said)
    before = run.computed()["edit"].total()
    run.pace(edit=0)
    assert run.finish(head) == 0, run.said()
    assert run.completed() == undisturbed.dataset()
    assert cluster.states(job.id) == ["REQUEUED", "COMPLETED"], "the same job, twice"
    assert before > BATCH and run.redone("edit", "verify") <= BATCH
    assert run.attempts("edit").count("the job goes back into the queue") == 1
    assert "Trying to restart" not in run.path("head.txt").read_text()


def test_job_that_does_not_get_on_fails_in_its_second_window(running_cluster: Cluster, stuck: tuple[str, Path]) -> None:
    job, folder = stuck
    until(lambda: running_cluster.states(job)[1:] not in ([], ["PENDING"], ["RUNNING"]), 240, f"it does not end: {folder}")
    assert running_cluster.states(job) == ["REQUEUED", "FAILED"]
    said = (folder / "log").read_text()
    assert said.count("the job goes back into the queue") == 1
    assert "error: number, shard 00000: 2 time limits passed, and not one batch was finished" in said
    assert calls_of(folder / "calls") == []
    assert not (folder / "scratch/journal/number/00000/window.json").exists(), "another try, with another time limit, counts anew"
