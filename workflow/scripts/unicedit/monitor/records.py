"""Progress records, read fast: one small JSON file a job, of which a large run has tens of thousands."""

import json
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

Place = tuple[str, str]  # stage, shard
_COUNTS = ("total", "done", "computed", "reused", "resumed", "failed", "attempt")
# On a network file system each opening waits for a server; on a disk threads only hinder each other. So some are read first, and timed.
_READERS, _PROBE, _SLOW_SECONDS = 16, 100, 0.0003


@dataclass(frozen=True, slots=True)
class Record:
    """What a job last said of itself. Times are seconds since the epoch by the job's own clock; ``version`` changes with every writing."""

    stage: str
    shard: str
    total: int
    done: int
    computed: int
    reused: int
    resumed: int
    failed: int
    attempt: int
    started: float
    updated: float
    finished: bool
    version: tuple[int, int]


def _record(value: Any, place: Place, version: tuple[int, int]) -> Record:
    total, done, computed, reused, resumed, failed, attempt = (int(value.get(name, 0)) for name in _COUNTS)
    updated, finished = float(value["updated"]), bool(value["finished"])
    started = float(value.get("started", updated))
    return Record(*place, total, done, computed, reused, resumed, failed, attempt, started, updated, finished, version)


class Records:
    """All records under a scratch folder. A second reading opens only the files that were written since."""

    def __init__(self, scratch: Path) -> None:
        self.folder = scratch / "progress"
        self._known: dict[Place, Record] = {}
        self._unreadable: dict[Place, tuple[int, int]] = {}

    def read(self) -> dict[Place, Record]:
        """The records by stage and shard, as they are now. A file that is no record is named in the log once, and left out."""
        places: list[tuple[str, Place]] = []
        for stage in self._stages():
            with os.scandir(self.folder / stage) as entries:
                places += [
                    (entry.path, (stage, entry.name[: -len(".json")]))
                    for entry in entries
                    if entry.name.endswith(".json") and not entry.name.startswith(".")
                ]
        began = time.perf_counter()
        read = self._read_some(places[:_PROBE])
        if time.perf_counter() - began > _SLOW_SECONDS * _PROBE:
            with ThreadPoolExecutor(_READERS) as readers:
                chunks = readers.map(self._read_some, (places[at : at + _PROBE] for at in range(_PROBE, len(places), _PROBE)))
                read += [record for chunk in chunks for record in chunk]
        else:
            read += self._read_some(places[_PROBE:])
        self._known = {(record.stage, record.shard): record for record in read}
        return dict(sorted(self._known.items()))

    def _read_some(self, places: list[tuple[str, Place]]) -> list[Record]:
        read = (self._read(path, place) for path, place in places)
        return [record for record in read if record is not None]

    def _stages(self) -> list[str]:
        if not self.folder.is_dir():
            return []
        with os.scandir(self.folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir())

    def _read(self, path: str, place: Place) -> Record | None:
        try:
            status = os.stat(path)
            version = (status.st_mtime_ns, status.st_ino)
            known = self._known.get(place)
            if known is not None and known.version == version:
                return known
            if self._unreadable.get(place) == version:
                return None
            with open(path, "rb") as stream:  # noqa: PTH123 - a Path for each of tens of thousands takes longer than the reading
                text = stream.read()
        except FileNotFoundError:  # removed since the folder was listed
            return None
        try:
            return _record(json.loads(text), place, version)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self._unreadable[place] = version
            log.warning("%s: no progress record (%s)", path, error)
            return None
