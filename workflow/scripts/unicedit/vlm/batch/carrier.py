"""Carrying batches: recording, sending, watching and taking them, so that whatever happens nothing is sent or counted twice."""

import json
import logging
import math
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from unicedit.config.batch import BatchSettings
from unicedit.files import appearing_whole
from unicedit.map.compute import EngineError
from unicedit.vlm.batch.accounts import Accounts
from unicedit.vlm.batch.port import GoneError, Hopeless, Outcome, PassingError, Provider, Status, Unanswered
from unicedit.vlm.batch.record import Record, plan, records
from unicedit.vlm.port import VlmReply, VlmRequest

log = logging.getLogger(__name__)
MAX_LINE = 4_000_000  # bytes of one result; far above any reply that fits
MOST_SILENT = 30  # looks in a row without an answer; then it is the provider, or the network
CLOCKS = 3600.0  # seconds that the provider's clock may differ from ours
LONGEST_PAUSE = 600.0  # seconds before a provider that is busy is tried again
LONGEST_UPLOAD = 1800.0  # seconds in which another process has sent what it has planned


class Carrier:
    """The batches of one provider whose records lie in ``folder``, those of earlier processes too. Methods raise ``EngineError`` where nothing but stopping is left."""

    def __init__(self, provider: Provider, settings: BatchSettings, folder: Path, accounts: Accounts) -> None:
        self._provider, self.settings, self._folder, self._accounts = provider, settings, folder, accounts
        folder.mkdir(exist_ok=True)
        self.records: list[Record] = []
        self._asked: dict[str, list[Record]] = {}
        self._known: set[Path] = set()  # files of records, closed ones too
        self.closed: set[str] = set()  # keys of batches that other processes took and closed while they were waited for here
        for record in records(folder, provider.service):
            self._add(record)
        self._failures = self._pauses = 0  # since the provider last took a batch
        self._paused_since = 0.0
        self._not_before = -math.inf
        self._silent = 0  # looks in a row without an answer
        self._seen: dict[str, tuple[str, int]] = {}

    def asked(self, key: str) -> list[Record]:
        """The batches that a request was sent in and of which its answer may still be asked, oldest first."""
        return [record for record in self._asked.get(key, ()) if key not in record.settled]

    def look(self) -> None:
        """Take the records that lie there and are not known yet: what another process has sent meanwhile is not sent once more."""
        for record in records(self._folder, self._provider.service, self._known):
            record.settled.clear()  # by whoever sent it, a moment ago
            self._add(record)

    def _add(self, record: Record) -> None:
        self.records.append(record)
        self._known.add(record.path)
        for key in record.keys:
            self._asked.setdefault(key, []).append(record)

    def close(self, record: Record) -> None:
        """Nothing will be asked of it again."""
        record.close()
        self._forget(record)

    def _forget(self, record: Record) -> None:
        self.records.remove(record)
        for key in record.keys:
            self._asked[key].remove(record)

    def running(self, keys: Iterable[str]) -> list[Record]:
        wanted = set(keys)
        return [record for record in self.records if not record.state and wanted & set(record.keys) - record.settled]

    def outcomes(self, record: Record) -> dict[str, Outcome]:
        if record.outcomes is None:
            record.outcomes = dict(self._read(record)) if record.results.exists() else {}
        return record.outcomes

    def _read(self, record: Record) -> Iterator[tuple[str, Outcome]]:
        """Each request's outcome, the first that is told of it; lines that are none are passed over, and their requests asked again."""
        wanted, odd = set(record.keys), 0
        with record.results.open("rb") as stream:
            while line := stream.readline(MAX_LINE):
                try:
                    value = json.loads(line)
                    key, outcome = self._provider.read(value)
                except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError):
                    odd += bool(line.strip())
                    continue
                if key in wanted:
                    wanted.remove(key)
                    yield key, outcome
                else:
                    odd += 1
        if odd:
            log.warning("%s: %d lines of the results are no answer to what was asked; %d requests have none", record.name, odd, len(wanted))

    def send(self, requests: dict[str, VlmRequest], running: Sequence[Record]) -> list[tuple[str, VlmReply]]:
        """Begin as many batches as these requests need; gives a reply to those that are too large. Raises ``EngineError`` where the budget allows none and
        none is running.
        """
        under_way = list(running)
        too_large: list[tuple[str, VlmReply]] = []
        lines = self._lines(requests, too_large)
        following = next(lines, None) if time.monotonic() >= self._not_before else None
        while following:
            room = self._accounts.room()
            if room == 0:
                if not under_way and not self._accounts.waits():
                    raise EngineError(self._accounts.over())
                if not under_way:
                    self._paused("batches of other jobs may spend the rest of the budget")
                break
            most = self.settings.max_requests if room is None else min(room, self.settings.max_requests)
            keys: list[str] = []
            with tempfile.TemporaryFile(dir=self._folder) as file:
                while following and len(keys) < most and file.tell() + len(following[1]) <= self.settings.file_bytes:
                    keys.append(following[0])
                    file.write(following[1])
                    following = next(lines, None)
                file.seek(0)
                record = self._begun(keys, file)
            if record is None:
                break
            under_way.append(record)
        return too_large

    def _lines(self, requests: dict[str, VlmRequest], too_large: list[tuple[str, VlmReply]]) -> Iterator[tuple[str, bytes]]:
        most = self.settings.max_request_mb
        for key, request in requests.items():
            line = self._provider.line(key, request)
            if len(line) <= most * 1e6:
                yield key, line
            else:
                why = f"not accepted: the request has {len(line) / 1e6:.1f} MB, batch.max_request_mb allows {most:g}"
                too_large.append((key, VlmReply("", str(self.settings.model), failure=why)))

    def _begun(self, keys: Sequence[str], file: BinaryIO) -> Record | None:
        """Record a batch, then send it; None where it could not be sent now. One of which it is not known whether it was begun is looked for later."""
        again = sum(any(record.counted for record in self._asked.get(key, ())) for key in keys)
        record = plan(self._folder, self._provider.service, keys, again, self._accounts.folder)
        self._add(record)
        self._accounts.sent(record)
        uploaded = ""
        try:
            uploaded = self._provider.upload(record.name, file)
            if record.given_up():
                raise EngineError(f"another job works with the batch records in {self._folder}; run again")
            batch = self._provider.create(record.name, uploaded)
        except PassingError as error:
            self._failures += 1
            log.warning("%s could not be sent: %s", record.name, error)
            if self._failures >= self.settings.tries:
                raise EngineError(
                    f"the provider took none of {self._failures} batches: {error}; run again, nothing is sent twice"
                ) from error
            if not uploaded:
                self._never_sent(record, "upload failed")
            self._paused(error)
            return None
        except (EngineError, GoneError) as error:
            self._never_sent(record, "not taken")
            self._delete(uploaded)
            if isinstance(error, GoneError):
                raise EngineError(f"the provider knows no model {self.settings.model}, or has another address: {error}") from error
            raise
        record.add("created", batch=batch)
        self._failures = self._pauses = 0
        log.info("%d requests sent as batch %s (%s)", len(keys), batch, record.name)
        return record

    def _paused(self, why: object) -> None:
        """Send nothing for a while, each time twice as long."""
        pause = min(LONGEST_PAUSE, self.settings.poll_seconds * 2**self._pauses)
        self._paused_since = time.monotonic() if not self._pauses else self._paused_since
        if time.monotonic() - self._paused_since > self.settings.max_wait_hours * 3600:
            raise EngineError(f"the provider took no batch for {self.settings.max_wait_hours:g} hours: {why}; run again later")
        self._pauses += 1
        self._not_before = time.monotonic() + pause
        log.warning("the next batch is sent in %.0f s: %s", pause, why)

    def watch(self, running: Sequence[Record]) -> None:
        """Look at each batch, and wait a little where none has moved."""
        moved = False
        for record in running:
            try:
                moved |= self._moved(record)
            except PassingError as error:
                self._silent += 1
                log.warning("%s: %s", record.name, error)
                if self._silent >= MOST_SILENT:
                    raise EngineError(
                        f"the provider has not answered {self._silent} times: {error}; run again, what was sent is found"
                    ) from error
            else:
                self._silent = 0
        if not moved:
            time.sleep(self.settings.poll_seconds)

    def _moved(self, record: Record) -> bool:
        """Look at a batch; whether something became of it."""
        now = time.time()
        if not record.look():
            self._forget(record)
            self.closed |= set(record.keys)
            return True
        if record.state:  # another process has taken it
            try:
                record.outcomes = dict(self._read(record)) if record.counted else None
            except FileNotFoundError:  # and closes it at this moment
                record.state = ""
            return record.state != ""
        if record.batch is None:  # who sent it was killed, or cut off, before the provider's answer came
            patience = 2 * self.settings.poll_seconds
            found = self._provider.find(record.name, record.planned - CLOCKS)
            if found:
                record.add("created", batch=found)
            elif now - record.planned > (max(patience, LONGEST_UPLOAD) if record.may_be_sent_now else patience):
                self._never_sent(record, "never begun")
            return record.batch is not None or record.state != ""
        try:
            status = self._provider.status(record.batch)
        except GoneError as error:
            raise EngineError(
                f"the provider knows no batch {record.batch} ({error}): another key or project? To ask its requests anew, delete {record.path}"
            ) from error
        if status.ended:
            self._take(record, status)
            return True
        if (status.state, status.done) != self._seen.get(record.name):
            self._seen[record.name] = (status.state, status.done)
            log.info("batch %s: %s, %d of %d done", record.batch, status.state, status.done, len(record.keys))
        if now - record.created > self.settings.max_wait_hours * 3600:
            raise EngineError(
                f"batch {record.batch} is {status.state} after {self.settings.max_wait_hours:g} hours; it runs on: run again to go on waiting"
            )
        return False

    def _take(self, record: Record, status: Status) -> None:
        """Store what a batch that ended gave, account for it, and only then call it ended."""
        if status.refused:
            self._never_sent(record, status.state)
            self._delete(status.source)
            if not status.busy:
                raise EngineError(f"the provider did not begin batch {record.batch}: {status.said or status.state}")
            self._paused(status.said)
            return
        with appearing_whole(record.results) as temporary, temporary.open("wb") as stream:
            for file in status.files:
                for chunk in self._provider.download(file, len(record.keys) * MAX_LINE):
                    stream.write(chunk)
                stream.write(b"\n")
        outcomes = self.outcomes(record)
        answered = sum(isinstance(outcome, VlmReply) for outcome in outcomes.values())
        log.info("batch %s: %s, %d of %d requests answered", record.batch, status.state, answered, len(record.keys))
        self._accounts.ended(record, outcomes.values())
        hopeless = [outcome.why for outcome in outcomes.values() if isinstance(outcome, Hopeless)]
        record.add("ended", state=status.state, counted=not hopeless or answered > 0)
        for file in (*status.files, status.source):
            self._delete(file)
        if not answered:
            self._stop_if_none_will(record, hopeless, status)

    def _stop_if_none_will(self, record: Record, hopeless: Sequence[str], status: Status) -> None:
        """After a batch without one answer: raise ``EngineError`` where there is no other try. The requests may then be asked anew by another run."""
        if hopeless:
            raise EngineError(f"no request of batch {record.batch} can be answered: {hopeless[0]}")
        tried = {one.name: one for key in record.keys for one in self._asked[key] if one.counted}
        if len(tried) < self.settings.tries:
            return
        why = next((outcome.why for outcome in self.outcomes(record).values() if isinstance(outcome, Unanswered)), status.state)
        for one in tried.values():
            one.settle(record.keys)
        raise EngineError(f"{len(record.keys)} requests got no answer in {len(tried)} batches, and none did: {why}")

    def _never_sent(self, record: Record, state: str) -> None:
        self._accounts.never_sent(record)
        record.add("ended", state=state, counted=False)

    def _delete(self, file: str) -> None:
        """A file at the provider's that is of no more use; that it stays there harms no row."""
        try:
            if file:
                self._provider.delete(file)
        except (PassingError, GoneError, EngineError) as error:
            log.info("%s stays at the provider's: %s", file, error)
