"""Run Snakemake as a child, with its output in a log and its progress on the screen."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console

from unicedit.errors import PipelineError
from unicedit.monitor.bars import Bars
from unicedit.monitor.output import Output
from unicedit.monitor.progress import RunProgress
from unicedit.monitor.rapl import Rapl
from unicedit.monitor.records import Records
from unicedit.monitor.summary import show_failure, show_summary

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LEAST_PAUSE_SECONDS = 0.5


@contextmanager
def _forwarding(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Pass signals on to the child and its local jobs, as a terminal would."""

    def forward(number: int, frame: FrameType | None) -> None:
        if child.poll() is None:
            os.killpg(child.pid, number)

    before = {number: signal.signal(number, forward) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _ending(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """No child stays behind unwatched when showing its progress fails."""
    try:
        yield
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGTERM)
            child.wait()


def watch(command: Sequence[str], log: Path, scratch: Path, results: Path, console: Console | None = None, interval: float = 10.0) -> int:
    """Run ``command`` (Snakemake) with its output appended to ``log``, showing progress until it ends; returns its exit status.

    On a terminal there is a bar a stage, elsewhere one line every ``interval`` seconds. At the end comes a summary, or what failed and the
    logs to look at. SIGINT, SIGTERM and SIGHUP go to the child, which then ends by its own rules. Must be called from the main thread.
    Raises ``PipelineError`` for a command that cannot be run.
    """
    console = console or Console()
    records = Records(scratch)
    progress = RunProgress(records.read())
    log.parent.mkdir(parents=True, exist_ok=True)
    energy = Rapl()
    with log.open("ab") as stream:
        output = Output(log, stream.tell())
        begin = time.monotonic()
        try:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, process_group=0)
        except OSError as error:
            raise PipelineError(f"{command[0]}: cannot be run ({error.strerror}); `make install` makes the environment") from error
    with _ending(child), _forwarding(child), Bars(console, interval) as bars:
        pause = LEAST_PAUSE_SECONDS
        while True:
            try:
                child.wait(pause)
            except subprocess.TimeoutExpired:
                ended = False
            else:
                ended = True
            start = time.monotonic()
            output.read()
            energy.look()
            found = records.read()
            bars.show(progress.stages(output, found, start), start - begin, last=ended)
            if ended:
                break
            # on a slow file system looking must not cost more than a tenth of the time
            pause = max(LEAST_PAUSE_SECONDS, 10 * (time.monotonic() - start))
    if not output.on_slurm:  # then the work is not this machine's
        energy.keep(results)
    if child.returncode == 0:
        show_summary(console, results, progress.own(found), output, time.monotonic() - begin)
        return 0
    status = child.returncode if child.returncode > 0 else 128 - child.returncode
    show_failure(console, output, status)
    return status
