"""Progress records, read fast: one small JSON file a job, of which a large run has tens of thousands."""

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

Place = tuple[str, str]  # stage, shard
_COUNTS = ("total", "done", "computed", "reused", "resumed", "failed", "attempt")


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
    updated: float
    finished: bool
    version: tuple[int, int]


def _record(value: Any, place: Place, version: tuple[int, int]) -> Record:
    total, done, computed, reused, resumed, failed, attempt = (int(value.get(name, 0)) for name in _COUNTS)
    updated, finished = float(value["updated"]), bool(value["finished"])
    return Record(*place, total, done, computed, reused, resumed, failed, attempt, updated, finished, version)


class Records:
    """All records under a scratch folder. A second reading opens only the files that were written since."""

    def __init__(self, scratch: Path) -> None:
        self.folder = scratch / "progress"
        self._known: dict[Place, Record] = {}
        self._unreadable: dict[Place, tuple[int, int]] = {}

    def read(self) -> dict[Place, Record]:
        """The records by stage and shard, as they are now. A file that is no record is named in the log once, and left out."""
        found: dict[Place, Record] = {}
        for stage in self._stages():
            with os.scandir(self.folder / stage) as entries:
                for entry in entries:
                    if entry.name.endswith(".json") and not entry.name.startswith("."):
                        place = (stage, entry.name.removesuffix(".json"))
                        record = self._read(Path(entry.path), place)
                        if record is not None:
                            found[place] = record
        self._known = found
        return dict(sorted(found.items()))

    def _stages(self) -> list[str]:
        if not self.folder.is_dir():
            return []
        with os.scandir(self.folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir())

    def _read(self, path: Path, place: Place) -> Record | None:
        try:
            status = path.stat()
            version = (status.st_mtime_ns, status.st_ino)
            known = self._known.get(place)
            if known is not None and known.version == version:
                return known
            if self._unreadable.get(place) == version:
                return None
            text = path.read_bytes()
        except FileNotFoundError:  # removed since the folder was listed
            return None
        try:
            return _record(json.loads(text), place, version)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self._unreadable[place] = version
            log.warning("%s: no progress record (%s)", path, error)
            return None
