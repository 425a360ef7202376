"""The time that Slurm lets a job run: a signal announces its end, and the job asks to be put into the queue again.

The signal is SIGURG (``--signal=23@300`` in profiles/slurm): whoever does not handle it ignores it, so of all processes of a job only this one hears of it. SIGTERM (a
cancelled or preempted job) stops a run too; the job is then put into the queue again only where Slurm takes its node for a higher one.
"""

import logging
import os
import signal
import threading
import time
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NoReturn

from unicedit.cluster.slurm import SlurmError, ask, minutes
from unicedit.files import read_json, write_json

log = logging.getLogger(__name__)
ANNOUNCED = signal.SIGURG
IDLE_WINDOWS = 2  # so many without one finished batch, and the job fails
LAST_SECONDS = 20  # before the limit: then a batch in flight is given up
LEAVING_SECONDS = 10  # that Slurm has to end a job that goes back into the queue, before it ends itself


class Interrupted(SystemExit):
    """The job was told to stop: the journal is flushed, a rerun continues."""


class Overrun(SystemExit):
    """A job's time limit passed again and again without one finished batch. No ``Exception``: the row at work is not to blame."""


class Window:
    """While the block runs, ``closing`` is set as soon as no further batch should begin; ``close`` then ends the run as it should, and ``leave``, once the lease is
    given back, the job: its next run may begin before the last process of this one is gone.

    ``record`` keeps, from one window of a job to the next, that the last one finished no batch. Signals reach the main thread only: elsewhere nothing is ever set.
    """

    def __init__(self, record: Path, what: str) -> None:
        self.record = record
        self.what = what
        self.closing = threading.Event()
        self.computed = 0  # rows finished in this window
        self._job = os.environ.get("SLURM_JOB_ID", "")
        self._announced = False
        self._goes_back = False
        self._ending: SystemExit | None = None  # to be raised in the main thread
        self._watch = threading.Thread(target=self._last_moment, daemon=True, name="window")
        self._settled = threading.Lock()  # held by whoever decides what becomes of the job
        self._former: dict[int, Any] = {}

    def __enter__(self) -> "Window":
        if threading.current_thread() is threading.main_thread():
            self._former[signal.SIGTERM] = signal.signal(signal.SIGTERM, self._told)
            if self._job:
                self._former[ANNOUNCED] = signal.signal(ANNOUNCED, self._told)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        if kind is None:
            self._settled.acquire(blocking=False)  # all is computed: nothing is left to be given up
            self.record.unlink(missing_ok=True)

    def _told(self, number: int, frame: FrameType | None) -> None:
        ending, self._ending = self._ending, None
        if ending is not None:
            raise ending
        if number == ANNOUNCED and not self._announced:
            self._announced = True
            self._watch.start()
        self.closing.set()

    def close(self) -> NoReturn:
        """After the last batch, with everything journalled: end the run. Raises ``Interrupted``, or ``Overrun`` where the job should not try again as it is."""
        if not self._settled.acquire(blocking=False):
            self._watch.join()  # it has decided in the same moment, and ends this thread
        elif self._announced:
            self._goes_back = self._gets_on()
        elif self._job and _preempted(self._job):
            log.warning("%s: Slurm takes the node for a job of higher priority", self.what)
            self._goes_back = True
        raise Interrupted(143)

    def leave(self) -> None:
        """With nothing held any more: put the job into the queue again, if ``close`` said so, and wait for Slurm to end it."""
        if self._goes_back and _requeue(self._job):
            time.sleep(LEAVING_SECONDS)

    def _last_moment(self) -> None:
        left = _seconds_left(self._job)
        log.warning("%s: the job's time limit is %.0f s away; this batch is the last", self.what, left)
        time.sleep(max(0.0, left - LAST_SECONDS))
        if not self._settled.acquire(blocking=False):
            return
        log.warning("%s: the last batch takes too long; it is computed again in the next window", self.what)
        try:
            self._gets_on()
            if not _requeue(self._job):
                return  # until the time limit
            self._ending = Interrupted(143)
        except Overrun as error:
            self._ending = error
        signal.pthread_kill(threading.main_thread().ident or 0, ANNOUNCED)
        time.sleep(LEAVING_SECONDS)
        log.error("%s; the batch at work hears no signal, and is ended", self.what if self._ending is None else self._ending)
        os._exit(1)  # or the lease would be kept

    def _gets_on(self) -> bool:
        """True where the job should go on in another window; raises ``Overrun`` where it should not."""
        idle = 0 if self.computed else 1 + self._idle_before()
        if idle >= IDLE_WINDOWS:
            self.record.unlink(missing_ok=True)
            raise Overrun(
                f"error: {self.what}: {idle} time limits passed, and not one batch was finished; give the rule a longer `runtime` in the profile, or smaller batches"
            )
        write_json(self.record, {"job": self._job, "idle": idle})
        log.warning("%s: %d rows in this window; the job goes back into the queue", self.what, self.computed)
        return True

    def _idle_before(self) -> int:
        try:
            record = read_json(self.record)
        except FileNotFoundError:
            return 0
        return int(record["idle"]) if record["job"] == self._job else 0  # another job has another time limit


def _asked(*command: str) -> str:
    """What one of Slurm's commands answers, empty if it cannot; that is logged."""
    try:
        return ask(*command)
    except SlurmError as error:
        log.warning("%s", error)
        return ""


def _seconds_left(job: str) -> float:
    """Seconds to the job's time limit, 0 if Slurm does not say."""
    return seconds_of(_asked("squeue", "--noheader", f"--jobs={job}", "--format=%L"))


def seconds_of(said: str) -> float:
    """Seconds of a time left as squeue says it; 0 for none, and for what is no time."""
    try:
        found = minutes(said)
    except ValueError:
        found = None
    if found is None:
        log.warning("squeue says %r of the time left", said)
    return 0.0 if found is None else float(round(found * 60))


def _preempted(job: str) -> bool:
    """Whether Slurm is about to take the job's node for another job."""
    fields = dict(field.split("=", 1) for field in _asked("scontrol", "--oneliner", "show", "job", job).split() if "=" in field)
    # a cancelled job is no longer running, whatever happened to it before
    return fields.get("JobState") == "RUNNING" and fields.get("PreemptTime", "None") not in ("None", "N/A", "Unknown")


def _requeue(job: str) -> bool:
    """Ask Slurm to end this job and put it into the queue again; from then on it does not matter how the job ends."""
    try:
        ask("scontrol", "requeue", job)
    except SlurmError as error:
        log.error("the job cannot go back into the queue (%s); Snakemake's retries remain", error)
        return False
    return True
