"""The record of one batch: a small file that is only added to, each line on the disk before anything else happens.

`planned` with the keys of its requests, before anything is sent; `created` with the provider's id, before it is waited for; `ended`, after its results lie beside the
record and its account is written; `settled` keys are no longer asked of it. A process that is killed leaves a record from which the next one goes on.
"""

import json
import os
import socket
import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from unicedit.vlm.batch.port import Outcome

SUFFIX = ".record"
MAX_LINE = 16_000_000  # bytes; a line of 50,000 keys has 2 MB


class Record:
    """One batch, as the lines of its file tell. ``counted``: an ended batch in which its requests really had a try."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.service = ""
        self.keys: tuple[str, ...] = ()
        self.again = 0  # of its requests, those that an earlier batch left unanswered
        self.accounts = ""  # the folder of the stage that pays, which need not be the one that waits
        self.host, self.process = "", 0
        self.planned = 0.0
        self.batch: str | None = None
        self.created = 0.0
        self.state = ""
        self.counted = False
        self.settled: set[str] = set()
        self.outcomes: dict[str, Outcome] | None = None  # read when they are needed
        for line in _lines(path):
            self._take(line)

    @property
    def name(self) -> str:
        """What the provider knows the batch by, beside its own id."""
        return self.path.name.removesuffix(SUFFIX)

    @property
    def results(self) -> Path:
        """Where the lines that came back lie."""
        return self.path.with_suffix(".results")

    def _take(self, line: dict[str, Any]) -> None:
        event = line["event"]
        if event == "planned":
            self.service, self.keys, self.again, self.planned = line["service"], tuple(line["keys"]), line["again"], line["time"]
            self.accounts, self.host, self.process = line.get("accounts", ""), line.get("host", ""), line.get("process", 0)
        elif event == "created":
            self.batch, self.created = line["batch"], line["time"]
        elif event == "ended":
            self.state, self.counted = line["state"], line["counted"]
        elif event == "settled":
            self.settled |= set(line["keys"])

    def add(self, event: str, **values: Any) -> None:
        """Append a line; it is on the disk when this returns."""
        line = {"event": event, "time": time.time(), **values}
        begins = os.O_CREAT | os.O_EXCL if event == "planned" else 0  # one that another process has closed is not begun anew
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | begins, 0o644)
        try:
            content = f"\n{json.dumps(line)}\n".encode()  # a line that a killed process cut off does not spoil this one
            if os.write(descriptor, content) < len(content):
                raise OSError(28, "no space left for the record of a batch", str(self.path))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._take(line)

    def look(self) -> bool:
        """Take from the file what other processes have added about the batch; not which keys they settled, for those are still asked here. False: it was closed."""
        there = Record(self.path)
        if not there.keys:
            return False
        self.batch, self.created = self.batch or there.batch, self.created or there.created
        if there.state and not self.state:
            self.state, self.counted = there.state, there.counted
        return True

    @property
    def may_be_sent_now(self) -> bool:
        """Whether another process may be uploading its requests at this moment."""
        if self.host != socket.gethostname():
            return True
        if self.process == os.getpid():
            return False
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # it is somebody's
            pass
        return True

    def given_up(self) -> bool:
        """Whether another process has meanwhile found that nothing was ever sent under this record."""
        return Record(self.path).state != ""

    def settle(self, keys: Collection[str]) -> None:
        """Ask these keys of it no longer."""
        with suppress(FileNotFoundError):  # another process has closed it
            self.add("settled", keys=sorted(keys))

    def close(self) -> None:
        """None of its keys will be asked of it again: keep the record for the books and the results no longer."""
        self.results.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            self.path.replace(self.path.with_suffix(".done"))


def plan(folder: Path, service: str, keys: Sequence[str], again: int, accounts: str = "") -> Record:
    """A new record, on the disk. ``accounts``: the folder of the stage that pays for it."""
    name = f"unicedit-{time.strftime('%Y%m%d')}-{socket.gethostname()[:20]}-{uuid.uuid4().hex[:12]}"
    record = Record(folder / f"{name}{SUFFIX}")
    of = {"accounts": accounts, "host": socket.gethostname(), "process": os.getpid()}
    record.add("planned", service=service, keys=list(keys), again=again, **of)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # the file's name, too
    finally:
        os.close(descriptor)
    return record


def records(folder: Path, service: str, without: Collection[Path] = ()) -> list[Record]:
    """The batches of a provider that may still be asked for something, oldest first; not those whose files are among ``without``."""
    found = [Record(path) for path in sorted(folder.glob(f"*{SUFFIX}")) if path not in without]
    return sorted((record for record in found if record.service == service), key=lambda record: record.planned)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:  # about to be written, or closed by another process in this moment
        return
    for line in content.splitlines():
        if not line or len(line) > MAX_LINE:
            continue
        try:
            value = json.loads(line)
        except ValueError:  # cut off by a kill
            continue
        if isinstance(value, dict) and "event" in value:
            yield value
