"""What Snakemake says while it runs, read from its output as it grows."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_FINISHED = re.compile(r"^Finished jobid: (\d+) \(Rule: (\w+)\)")
_ERROR = re.compile(r"^Error in rule (\w+):")
_JOB = re.compile(r"^    jobid: (\d+)")
_LOG = re.compile(r"^    log: (.*) \(check log file\(s\) for error details\)")
_COUNT = re.compile(r"^(\w+) +(\d+)$")
_CHUNK = 1 << 20


def clean(text: str) -> str:
    """A line without terminal controls."""
    return _CONTROL.sub("", text.rstrip("\r\n"))


@dataclass
class FailedJob:
    """A job that Snakemake gave up on, or is about to try again."""

    rule: str
    logs: list[Path] = field(default_factory=list)


class Output:
    """Planned jobs, finished jobs and failed ones by rule, from ``path`` on from ``start`` bytes; ``read`` takes in what was added."""

    def __init__(self, path: Path, start: int = 0) -> None:
        self.path = path
        self._at = start
        self._rest = b""
        self._in_table = False
        self._error: FailedJob | None = None
        self.planned: dict[str, int] = {}
        self.finished: Counter[str] = Counter()
        self.nothing_to_do = False
        self.on_slurm = False
        self.errors: dict[str, FailedJob] = {}
        self.tail: list[str] = []

    def read(self) -> None:
        """Take in what was written since the last time."""
        with self.path.open("rb") as stream:
            stream.seek(self._at)
            while chunk := stream.read(_CHUNK):
                self._at += len(chunk)
                *lines, self._rest = (self._rest + chunk).split(b"\n")
                for line in lines:
                    self._take(clean(line.decode("utf-8", errors="replace")))

    def _take(self, line: str) -> None:
        if line.strip():
            self.tail = [*self.tail[-19:], line]
        if line.startswith("Job stats:"):
            self._in_table, self.planned = True, {}
        elif self._in_table:
            if not line:
                self._in_table = False
            elif (found := _COUNT.match(line)) and found[1] != "total":
                self.planned[found[1]] = int(found[2])
        elif found := _FINISHED.match(line):
            self.finished[found[2]] += 1
            self.errors.pop(found[1], None)  # a retry succeeded
        elif found := _ERROR.match(line):
            self._error = FailedJob(found[1])
        elif self._error is not None and (found := _JOB.match(line)):
            self.errors[found[1]] = self._error
        elif self._error is not None and (found := _LOG.match(line)):
            self._error.logs = [Path(name) for name in found[1].split(", ")]
        elif line and not line.startswith(" "):
            self._error = None
            self.on_slurm = self.on_slurm or line.startswith("SLURM run ID:")
            self.nothing_to_do = self.nothing_to_do or line.startswith("Nothing to be done")


def last_lines(path: Path, number: int) -> list[str]:
    """The last non-empty lines of a text file, without terminal controls; reads its last 64 KiB only."""
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - (1 << 16)))
        text = stream.read().decode("utf-8", errors="replace")
    return [line for line in map(clean, text.splitlines()) if line.strip()][-number:]
