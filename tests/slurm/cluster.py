"""A Slurm cluster of one machine (``cluster.sh``), and the workflow run on it as a user would."""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from checkout import COMPUTES, REPOSITORY, SNAKEMAKE, Checkout
from unicedit.map.finish import BEHIND

SCRIPT = REPOSITORY / "tests/slurm/cluster.sh"
# small and short jobs want to be asked after more often than real ones
IMPATIENT = ["--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1", "--latency-wait", "10"]
BATCH = 2  # rows, as in the configuration
IN_FLIGHT = (1 + BEHIND) * BATCH  # rows of the batch that is computed, and of those that are encoded and written meanwhile
# the checkout's own copy of the map tells of each row before it is computed, and takes as many seconds over it as the file `pace` says for its stage
EDITS, DATASET = "results/edit/00000.parquet", "results/dataset/data/shard-00000.parquet"
TOLD = f"""\
            with open("computed.txt", "a") as told:
                told.write("".join(f"{{stage.name}} {{item.key}} {{os.environ.get('SLURM_JOB_ID', '')}}\\n" for item in batch[0]))
            if os.path.exists("pace"):
                import time

                pace = dict(line.split() for line in open("pace"))
                time.sleep(float(pace.get(stage.name, 0)) * len(batch[0]))
{COMPUTES}"""


class Cluster:
    """A running test cluster."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "UNICEDIT_CLUSTER": str(folder), "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}

    def script(self, *arguments: str) -> None:
        """Run ``cluster.sh``."""
        done = subprocess.run([str(SCRIPT), *arguments], env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def tell(self, *command: str) -> str:
        """What one of Slurm's commands prints."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def queue(self, rule: str = "", state: str = "") -> list["Job"]:
        """Jobs that wait or run: of a rule, in a state."""
        lines = self.tell("squeue", "--noheader", "--format=%A|%T|%P|%N|%k").splitlines()
        jobs = [Job(*line.split("|")) for line in lines]
        return [job for job in jobs if (not rule or job.rule == rule) and (not state or job.state == state)]

    def accounted(self, *fields: str) -> list[dict[str, str]]:
        """Accounting records of all jobs, one a run of a job (a requeued one has several)."""
        names = ["JobIDRaw", "State", "Partition", "NodeList", "Comment", *fields]
        lines = self.tell(
            "sacct", "--allusers", "--duplicates", "--allocations", "--noheader", "--parsable2", f"--format={','.join(names)}"
        ).splitlines()
        return [dict(zip(names, line.split("|"), strict=True)) for line in lines]

    def empty(self) -> None:
        """Cancel what Snakemake's jobs are left of a test, and wait until they are gone."""
        for job in self.rules():
            subprocess.run(["scancel", job.id], env=self.environment, capture_output=True)
        until(lambda: not self.rules(), 60, "jobs of an earlier test do not end")

    def rules(self) -> list["Job"]:
        """Snakemake's jobs that wait or run."""
        return [job for job in self.queue() if job.rule]

    def states(self, job: str) -> list[str]:
        """How the runs of a job ended, in order: ``COMPLETED``, ``REQUEUED``, ``CANCELLED by 0``, …"""
        return [record["State"] for record in self.accounted() if record["JobIDRaw"] == job]


@dataclass(frozen=True)
class Job:
    """A job as squeue shows it. ``comment`` is the plugin's: ``rule_<rule>_wildcards_<value>``."""

    id: str
    state: str
    partition: str
    node: str
    comment: str

    @property
    def rule(self) -> str:
        return rule_of(self.comment)


def rule_of(comment: str) -> str:
    """The rule of a job of Snakemake's, by its comment; empty for any other job."""
    found = re.match(r"rule_(.+?)(_wildcards_.*)?$", comment)
    return found.group(1) if found else ""


def kill(head: subprocess.Popen[bytes]) -> None:
    """Kill a Snakemake and what it started here, with no time to say farewell."""
    for process in [psutil.Process(head.pid), *psutil.Process(head.pid).children(recursive=True)]:
        process.kill()
    head.wait()


def until(true: Callable[[], object], seconds: float, otherwise: str | Callable[[], str]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, otherwise if isinstance(otherwise, str) else otherwise()
        time.sleep(0.2)


class ClusterRun(Checkout):
    """A checkout that runs on a cluster, and counts the rows computed."""

    cluster: Cluster

    @classmethod
    def prepared(cls, folder: Path, config: str) -> "ClusterRun":
        """A fresh checkout with a configuration, whose map tells of what it computes."""
        run = cls(Checkout.fresh(folder).folder)
        run.path("test.yaml").write_text(config)
        run.replace("workflow/scripts/unicedit/map/compute.py", COMPUTES, TOLD)
        return run

    def on(self, cluster: Cluster, folder: Path) -> "ClusterRun":
        """A copy that runs on a cluster."""
        copied = ClusterRun(self.copy(folder).folder)
        copied.cluster = cluster
        return copied

    def pace(self, **seconds: float) -> None:
        """Let a row of these stages take so many seconds more."""
        self.path("pace").write_text("".join(f"{stage} {number}\n" for stage, number in seconds.items()))

    def forget_shard(self, *stages: str, shard: str = "00000") -> None:
        """Take away all that these stages made of a shard, as if they had never run; and what was counted."""
        for stage in stages:
            folder, name = ("dataset", f"*/shard-{shard}.*") if stage == "assemble" else (stage, f"{shard}.*")
            for path in [*self.folder.glob(f"results/{folder}/{name}"), *self.folder.glob(f"results/.kept/{stage}/{shard}.*")]:
                path.unlink()
        self.path("computed.txt").unlink(missing_ok=True)
        self.forget_rows()

    def start(self, *arguments: str, target: str = EDITS) -> subprocess.Popen[bytes]:
        """``snakemake --profile slurm <target>`` in the background; what it says goes to ``head.txt``."""
        return subprocess.Popen(
            [*SNAKEMAKE, *self.overlay(), "--profile", "slurm", *IMPATIENT, *arguments, "--", target],
            cwd=self.folder,
            env=self.cluster.environment,
            stdout=subprocess.DEVNULL,
            stderr=self.path("head.txt").open("ab"),
            start_new_session=True,
        )

    def resume(self, mode: str, target: str = EDITS) -> subprocess.Popen[bytes]:
        """``make resume`` after a Snakemake of ``target`` was killed, in the background; what it says goes to ``head.txt``."""
        command = [*SNAKEMAKE, *self.overlay(), "--profile", "slurm", *IMPATIENT, "--", target]
        return subprocess.Popen(
            [sys.executable, "workflow/scripts/resume.py", "--mode", mode, "--pause", "1", "--", *command],
            cwd=self.folder,
            env=self.cluster.environment,
            stdout=self.path("head.txt").open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def finish(self, head: subprocess.Popen[bytes], seconds: float = 600) -> int:
        """Snakemake's exit status."""
        try:
            return head.wait(seconds)
        except subprocess.TimeoutExpired:
            head.kill()
            raise AssertionError(f"no end after {seconds} s:\n{self.said()}\n{self.cluster.queue()}") from None

    def attempts(self, stage: str) -> str:
        """What all attempts at the first shard logged."""
        return self.path(f"results/logs/{stage}/00000.attempts.log").read_text()

    def computing(self, stage: str, rows: int) -> Callable[[], bool]:
        """Whether so many rows of a stage are computed, or being so."""
        return lambda: self.computed().get(stage, Counter()).total() >= rows

    def said(self) -> str:
        """The end of what Snakemake said, and of what the last job's log says."""
        logs = sorted(self.folder.glob("results/logs/slurm/*/*/*.log"), key=lambda path: path.stat().st_mtime)
        told = [f"{path}:\n{path.read_text()[-2000:]}" for path in logs[-1:]]
        return "\n".join([self.path("head.txt").read_text()[-5000:], *told])

    def completed(self) -> dict[str, bytes]:
        """The dataset, once all that follows of the edits is made; on this machine, for it is not what is disturbed."""
        self.snakemake(DATASET)
        return self.dataset()

    def computed(self) -> dict[str, Counter[str]]:
        """How often each row was computed, by stage."""
        found: dict[str, Counter[str]] = {}
        path = self.path("computed.txt")
        for line in path.read_text().splitlines() if path.exists() else []:
            stage, key, _ = line.split(" ")
            found.setdefault(stage, Counter())[key] += 1
        return found

    def redone(self, *stages: str, shards: Sequence[str] = ("00000",)) -> int:
        """How many rows of these shards the stages computed again. None may have been left out."""
        redone = 0
        for stage in stages:
            counts = self.computed()[stage]
            rows = sum(self.sidecar(f"{stage}/{shard}")["rows_in"] for shard in shards)
            assert len(counts) == rows, f"{stage}: of {rows} rows, {len(counts)} were computed"
            redone += counts.total() - rows
        return redone
