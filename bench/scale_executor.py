"""A Snakemake executor whose jobs compute nothing: bench/scale.py installs it as the plugin `accounting`, and Snakemake schedules as for a cluster.

A job's command goes to a process of its own (bench/scale_engine.py), which puts true sidecars in place and accounts the time the job would take. What is measured
is the head alone: when the first job started, each round of the scheduler, processor time and memory; it is written as JSON to $UNICEDIT_SCALE_REPORT.

With $UNICEDIT_SCALE_STEADY = n, jobs end one by one, as those of a full cluster do, while all others wait for a place; after n rounds of it the process ends.
"""

import atexit
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from typing import Any

import psutil
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo  # type: ignore[import-untyped]
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor  # type: ignore[import-untyped]
from snakemake_interface_executor_plugins.settings import CommonSettings  # type: ignore[import-untyped]

common_settings = CommonSettings(
    non_local_exec=True,
    implies_no_shared_fs=False,
    job_deploy_sources=False,
    pass_default_storage_provider_args=True,
    pass_default_resources_args=True,
    pass_envvar_declarations_to_cmd=False,
    auto_deploy_default_storage_provider=False,
    init_seconds_before_status_checks=0,
)
POLL_SECONDS = 1.0


class Rounds:
    """Stands in for the scheduler's semaphore: a round of the scheduler lies between two calls of ``acquire``. Those that had to choose among jobs are kept."""

    def __init__(self, scheduler: Any) -> None:
        self.inner = scheduler._open_jobs
        self.choose = scheduler.job_selector
        scheduler._open_jobs, scheduler.job_selector = self, self.selector
        self.seen: list[tuple[float, float, int]] = []  # seconds, processor seconds, ready jobs
        self._since: tuple[float, float] | None = None
        self._ready = 0
        self.waiting = False

    def acquire(self) -> None:
        if self._since is not None and self._ready:
            self.seen.append((time.perf_counter() - self._since[0], time.thread_time() - self._since[1], self._ready))
        self.waiting = self.inner._value == 0
        self.inner.acquire()
        self.waiting = False
        self._since, self._ready = (time.perf_counter(), time.thread_time()), 0

    def release(self) -> None:
        self.inner.release()

    def selector(self, jobs: Any) -> Any:
        self._ready = len(jobs)
        return self.choose(jobs)


class Executor(RemoteExecutor):  # type: ignore[misc]
    """Hands commands to the accounting engine, and asks it once a second which are done."""

    def __post_init__(self) -> None:
        self.started = psutil.Process().create_time()
        self.first: dict[str, float] = {}
        self.rounds: Rounds | None = None
        self.steady = int(os.environ.get("UNICEDIT_SCALE_STEADY", "0"))
        self.jobs = 0
        self.full: int | None = None  # rounds before every place was taken
        self.submitting = 0.0
        self.engine = subprocess.Popen([sys.executable, os.environ["UNICEDIT_SCALE_ENGINE"]], stdin=subprocess.PIPE, text=True)
        self.done = open(os.environ["UNICEDIT_SCALE_DONE"], "a+", encoding="utf-8")  # noqa: SIM115, PTH123 - open as long as the run
        self.finished: set[str] = set()
        atexit.register(self.report)

    def run_job(self, job: Any) -> None:
        if not self.first:
            self.first = {"wall": time.time() - self.started, "processor": time.process_time(), "memory_mb": _memory_mb()}
            self.rounds = Rounds(self.workflow.scheduler)
        before = time.thread_time()
        self.jobs += 1
        command = self.format_job_exec(job)  # a real executor makes it too
        assert self.engine.stdin is not None
        self.engine.stdin.write(
            json.dumps(
                {
                    "id": str(self.jobs),
                    "output": list(map(str, job.output)),
                    "benchmark": job.benchmark and str(job.benchmark),
                    "shell": job.shellcmd,
                    "exec": len(command),
                }
            )
            + "\n"
        )
        self.engine.stdin.flush()
        self.submitting += time.thread_time() - before
        self.report_job_submission(SubmittedJobInfo(job, external_jobid=str(self.jobs)))

    async def check_active_jobs(self, active_jobs: list[SubmittedJobInfo]) -> AsyncGenerator[SubmittedJobInfo, None]:
        if not active_jobs:
            return  # the thread that asks may be faster than __post_init__
        self.next_seconds_between_status_checks = POLL_SECONDS if not self.steady else 0.05
        self.finished.update(line.strip() for line in self.done)
        if self.engine.poll() is not None:
            raise RuntimeError(f"the accounting engine ended with {self.engine.returncode}")
        free = self._to_end() if self.steady else len(active_jobs)
        for one in active_jobs:
            if free and one.external_jobid in self.finished:
                self.report_job_success(one)
                free -= 1
            else:
                yield one

    def _to_end(self) -> int:
        """One job, when the scheduler has done with the last and every place is taken; the end of the process, when it has done so often enough."""
        rounds = self.rounds
        if rounds is None or not rounds.waiting or self.jobs < self.workflow.resource_settings.nodes:
            return 0
        if self.full is None:
            self.full = len(rounds.seen)
        if len(rounds.seen) - self.full >= self.steady:
            rounds.seen = rounds.seen[self.full :]
            self.report()
            self.engine.kill()
            os._exit(0)
        rounds.waiting = False
        return 1

    def cancel_jobs(self, active_jobs: list[SubmittedJobInfo]) -> None:
        self.engine.kill()

    def report(self) -> None:
        """Write what was measured; this process only, not those it started."""
        own = resource.getrusage(resource.RUSAGE_SELF)
        value = {
            "jobs": self.jobs,
            "first_job": self.first,
            "wall": time.time() - self.started,
            "processor": own.ru_utime + own.ru_stime,
            "memory_mb": own.ru_maxrss / 1024,
            "submitting": self.submitting,
            "rounds": self.rounds.seen if self.rounds else [],
        }
        with open(os.environ["UNICEDIT_SCALE_REPORT"], "w", encoding="utf-8") as stream:  # noqa: PTH123
            json.dump(value, stream)


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
