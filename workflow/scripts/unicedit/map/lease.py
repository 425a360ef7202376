"""One writer an output: a lease file with a heartbeat and a fencing token (design section 4).

A lease is taken by exclusive creation. Its owner beats by rewriting it. Another process takes it over when the owner is certainly dead (same host, same boot, same
pid namespace, process gone) or when the beat stood still for ``stale_seconds`` on the waiting process's own clock: clocks of two nodes are never compared.
"""

import json
import os
import socket
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from unicedit.errors import PipelineError
from unicedit.files import appearing_whole


class LeaseHeld(PipelineError):
    """Another process is writing this output."""


class LeaseLost(PipelineError):
    """The lease was taken over by another process; whatever this one still holds must not be written."""


def _host_identity() -> dict[str, str]:
    boot = Path("/proc/sys/kernel/random/boot_id")
    return {
        "host": socket.gethostname(),
        "boot": boot.read_text().strip() if boot.exists() else "",
        "pids": os.readlink("/proc/self/ns/pid") if os.path.exists("/proc/self/ns/pid") else "",
    }


def _certainly_dead(owner: dict[str, Any]) -> bool:
    if any(owner.get(key) != value for key, value in _host_identity().items()):
        return False
    try:
        process = psutil.Process(owner["pid"])
        # a killed process stays as a zombie where nothing reaps it, as in many containers
        return process.status() == psutil.STATUS_ZOMBIE or bool(abs(process.create_time() - owner["started"]) > 1)
    except psutil.NoSuchProcess:
        return True


class Lease:
    """Hold ``path`` while the block runs; ``check()`` raises ``LeaseLost`` when another process took it over.

    Raises ``LeaseHeld``, naming the owner, when the present owner keeps beating for ``stale_seconds``.
    """

    def __init__(self, path: Path, stale_seconds: float) -> None:
        self.path = path
        self.stale_seconds = stale_seconds
        self.token = uuid.uuid4().hex
        self._beats = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def _content(self) -> str:
        me = psutil.Process()
        return json.dumps(
            {
                **_host_identity(),
                "pid": me.pid,
                "started": me.create_time(),
                "token": self.token,
                "beat": self._beats,
                "job": os.environ.get("SLURM_JOB_ID", ""),
            }
        )

    def _owner(self) -> dict[str, Any] | None:
        try:
            owner = json.loads(self.path.read_text())
        except (FileNotFoundError, ValueError):  # released, or caught in the moment of its creation
            return None
        return owner if isinstance(owner, dict) else None

    def _create(self) -> bool:
        # link() of a finished file is exclusive and never shows a half-written lease, on NFS too
        temporary = self.path.with_name(f".{self.path.name}.{self.token}")
        temporary.write_text(self._content())
        try:
            os.link(temporary, self.path)
            return True
        except FileExistsError:
            return False
        finally:
            temporary.unlink()

    def _evict(self, owner: dict[str, Any]) -> None:
        # rename first, then look: of two processes that evict at once one finds the file gone
        grave = self.path.with_name(f".{self.path.name}.evicted-{self.token}")
        with suppress(FileNotFoundError):
            os.rename(self.path, grave)
            evicted = json.loads(grave.read_text())
            if evicted.get("token") != owner["token"]:  # somebody was faster and already holds a new lease: give it back
                with suppress(FileExistsError):
                    os.link(grave, self.path)
            grave.unlink()

    def __enter__(self) -> "Lease":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        seen: tuple[str, int] | None = None
        since = time.monotonic()
        while not self._create():
            owner = self._owner()
            if owner is None:
                time.sleep(0.01)
                continue
            if _certainly_dead(owner):
                self._evict(owner)
                continue
            mark = (owner["token"], owner["beat"])
            if seen is not None and mark != seen:
                raise LeaseHeld(
                    f"{self.path}: process {owner['pid']} on {owner['host']} (Slurm job {owner['job'] or 'none'}) is writing this output; "
                    "wait for it, or cancel it, and run again"
                )
            seen = mark
            if time.monotonic() - since > self.stale_seconds:
                self._evict(owner)
                continue
            time.sleep(min(0.5, self.stale_seconds / 20))
        self._thread = threading.Thread(target=self._beat, daemon=True, name="lease")
        self._thread.start()
        return self

    def _beat(self) -> None:
        while not self._stop.wait(self.stale_seconds / 5):
            try:
                self.check()
            except LeaseLost:
                return
            self._beats += 1
            with appearing_whole(self.path) as temporary:
                temporary.write_text(self._content())

    def check(self) -> None:
        """Raise ``LeaseLost`` unless this process still holds the lease (the fence before every write that others see)."""
        owner = self._owner()
        if owner is None or owner["token"] != self.token:
            raise LeaseLost(
                f"{self.path}: taken over by {'nobody' if owner is None else owner['host']}; this process stops without writing"
            )

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        owner = self._owner()
        if owner is not None and owner["token"] == self.token:
            self.path.unlink()
