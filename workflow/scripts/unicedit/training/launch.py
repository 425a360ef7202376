"""Where a training runs: in this process, in processes of this machine, or in a Slurm job, both of the latter through submitit.

What is submitted outlives the process that waits for it. Its record (``job.json`` beside the output) lets a restarted one find it again in place of starting
a second training; that a training is done is said by a file in its own folder.
"""

import logging
import os
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from unicedit.errors import PipelineError
from unicedit.files import read_json, write_json
from unicedit.training.job import TrainingJob

log = logging.getLogger(__name__)
SCRIPTS = Path(__file__).resolve().parents[2]
POLL_SECONDS = {"local": 0.5, "slurm": 15.0}
SETTLE_SECONDS = {"local": 1.0, "slurm": 15.0}  # a file written on another node may show this much later
_ENDED = ("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT")


@dataclass(frozen=True)
class Submitted:
    """A submitted training, as its record holds it."""

    mode: str
    job_id: str
    training: str  # folder of the training: another one has another
    output: str  # file that the first process writes to
    host: str = ""  # for mode local: where its process runs, and since when
    started: float = 0.0

    def alive(self) -> bool:
        """Whether it runs, or will. Raises ``PipelineError`` where that cannot be told from here."""
        return _local_alive(self) if self.mode == "local" else _slurm_alive(self.job_id)


def launch(job: TrainingJob, record: Path) -> dict[str, Any]:
    """Run a training where its launch settings say, or find the one that already runs or is done; returns its number of updates and its seconds.

    Raises ``PipelineError`` for a training that failed, ``Preempted`` for one in this process that was told to stop.
    """
    done = job.result()
    if done is not None:
        return done
    if job.launch.mode == "in_process":
        return job.run()
    return wait(job, _attached(job, record) or _submitted(job, record), record)


def _attached(job: TrainingJob, record: Path) -> Submitted | None:
    try:
        found = Submitted(**read_json(record))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    if found.training != str(job.folder.resolve()):
        if found.alive():
            raise PipelineError(
                f"{record}: {found.mode} job {found.job_id} still trains with other settings; cancel it, or wait for it, and run again"
            )
        return None
    if not found.alive():
        return None
    log.info("found %s job %s of %s, which goes on", found.mode, found.job_id, job.folder)
    return found


def wait(job: TrainingJob, submitted: Submitted, record: Path) -> dict[str, Any]:
    """The result of a submitted training, once it is done. Raises ``PipelineError`` where it ended without; the next run then submits it anew, to go on from its
    checkpoint.
    """
    ended: float | None = None
    while (result := job.result()) is None:
        if ended is None and not submitted.alive():
            ended = time.monotonic()
        elif ended is not None and time.monotonic() - ended > SETTLE_SECONDS[submitted.mode]:
            record.unlink(missing_ok=True)
            raise PipelineError(
                f"{submitted.mode} job {submitted.job_id} ended without a model: {_last_words(submitted.output)} (its output: {submitted.output}); "
                "run again to go on from its last checkpoint"
            )
        time.sleep(0.5 if ended is not None else POLL_SECONDS[submitted.mode])
    return result


def _submitted(job: TrainingJob, record: Path) -> Submitted:
    from submitit.core.job_environment import JobEnvironment
    from submitit.helpers import clean_env

    settings = job.launch
    paths = [str(SCRIPTS), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    with clean_env():
        # both: the class has read the variable once, and the job's processes read it for themselves
        os.environ["SUBMITIT_PREEMPT_SIGNAL"] = JobEnvironment.USR_SIG = settings.signal
        executor = _executor(job)
        handle = executor.submit(job)
    started, host = 0.0, ""
    if settings.mode == "local":
        started, host = psutil.Process(int(handle.job_id)).create_time(), socket.gethostname()
    output = handle.paths.stdout if handle.num_tasks == 1 else handle.task(0).paths.stdout
    found = Submitted(settings.mode, str(handle.job_id), str(job.folder.resolve()), str(output), host, started)
    write_json(record, asdict(found))
    log.info("submitted %s as %s job %s; its output: %s", job.folder, settings.mode, handle.job_id, output)
    return found


def _executor(job: TrainingJob) -> Any:
    from submitit import LocalExecutor, SlurmExecutor

    settings, folder = job.launch, job.folder.resolve() / "submitit"
    common = {"signal_delay_s": settings.signal_seconds, "stderr_to_stdout": True}
    if settings.mode == "local":
        import torch

        executor: Any = LocalExecutor(folder, max_num_timeout=settings.restarts)
        # without its number of GPUs submitit hides all of them
        executor.update_parameters(
            timeout_min=settings.minutes,
            tasks_per_node=settings.processes_per_node,
            gpus_per_node=torch.cuda.device_count(),
            **common,
        )
        return executor
    try:
        executor = SlurmExecutor(folder, max_num_timeout=settings.restarts)
    except RuntimeError as error:
        raise PipelineError(
            f"launch.mode slurm: {error}; run on a machine with Slurm's commands, or choose mode local or in_process"
        ) from error
    executor.update_parameters(**slurm_parameters(job), **common)
    return executor


def slurm_parameters(job: TrainingJob) -> dict[str, Any]:
    """A training's job as submitit's ``SlurmExecutor`` takes it; one task a GPU."""
    settings, slurm = job.launch, job.launch.slurm
    exported = [f"export {name}={os.environ[name]!r}" for name in ("PYTHONPATH", "SUBMITIT_PREEMPT_SIGNAL") if name in os.environ]
    chosen = {
        "partition": slurm.partition,
        "account": slurm.account,
        "qos": slurm.qos,
        "constraint": slurm.constraint,
        "mem": None if slurm.memory_gb is None else f"{slurm.memory_gb}GB",
        "gpus_per_node": slurm.gpus_per_process * settings.processes_per_node or None,
    }
    return {
        "job_name": f"unicedit-{job.stage}",
        "time": settings.minutes,
        "nodes": settings.nodes,
        "ntasks_per_node": settings.processes_per_node,
        "cpus_per_task": slurm.cpus_per_process,
        "setup": [*slurm.setup, *exported],
        "additional_parameters": {"requeue": True, **slurm.more},
        **{name: value for name, value in chosen.items() if value is not None},
    }


def _local_alive(submitted: Submitted) -> bool:
    if submitted.host != socket.gethostname():
        raise PipelineError(
            f"a training runs, or ran, as process {submitted.job_id} on {submitted.host}; run there, or make sure that it has ended and remove its job.json"
        )
    try:
        process = psutil.Process(int(submitted.job_id))
        return bool(abs(process.create_time() - submitted.started) < 1 and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _slurm_alive(job_id: str) -> bool:
    """By squeue, which needs no accounting. A controller that does not answer leaves the question open: then it counts as alive."""
    done = subprocess.run(["squeue", "--noheader", "--format=%T", f"--jobs={job_id}"], capture_output=True, text=True)
    if done.returncode:
        if "Invalid job id" in done.stderr:
            return False
        log.warning("squeue does not answer (%s); asking again", done.stderr.strip())
        return True
    states = done.stdout.split()
    return any(state not in _ENDED for state in states)


def _last_words(output: str) -> str:
    """The last line of a job's output that says something."""
    try:
        lines = [line.strip() for line in Path(output).read_text(encoding="utf-8", errors="replace").splitlines()]
    except FileNotFoundError:
        return "it wrote nothing"
    said: Sequence[str] = [line for line in lines if line and not line.startswith("submitit ")]
    return said[-1][:300] if said else "it said nothing"
