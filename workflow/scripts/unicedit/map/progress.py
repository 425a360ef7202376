"""Progress records: one small JSON file a job, written by the job, read by the monitor (design section 4)."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

from unicedit.files import read_json, write_json

INTERVAL_SECONDS = 1.0


class Progress:
    """Counts of one job. ``update`` writes at most once a second, ``finish`` always."""

    def __init__(self, path: Path, stage: str, shard: str) -> None:
        self.path = path
        earlier = read_json(path).get("attempt", 0) if path.exists() else 0
        self._record: dict[str, object] = {
            "stage": stage,
            "shard": shard,
            "attempt": earlier + 1,
            "job": os.environ.get("SLURM_JOB_ID", ""),
            "started": time.time(),
            "finished": False,
            "total": 0,
            "done": 0,
            "computed": 0,
            "reused": 0,
            "resumed": 0,
            "failed": 0,
        }
        self._written = 0.0

    def __getitem__(self, name: str) -> object:
        return self._record[name]

    def update(self, counts: Mapping[str, int], *, force: bool = False) -> None:
        """Set counts (``total``, ``done``, ``computed``: now, ``resumed``: from the journal, ``reused``: from the last sealed file, ``failed``)."""
        self._record.update(counts)
        if force or time.monotonic() - self._written >= INTERVAL_SECONDS:
            self._written = time.monotonic()
            write_json(self.path, {**self._record, "updated": time.time()})

    def finish(self, counts: Mapping[str, int]) -> None:
        """Write the last record of this job."""
        self._record["finished"] = True
        self.update(counts, force=True)
