"""A run in the middle, as its files show it: sidecars and progress records of many shards, without a picture in it."""

import json
import time
from pathlib import Path

STAGES = ("ingest", "prefilter", "instruct", "edit", "verify")
ROWS = 1000


def make_run(folder: Path, shards: int, *, running: int = 50, now: float | None = None) -> tuple[Path, Path]:
    """Write a run of ``shards`` shards of 1,000 rows; returns its results and scratch folders.

    The first stage is done, each later one has sealed a fifth of the shards less, and ``running`` more shards of it are under way: 400 rows done after 100
    seconds, 3 of them failed. As many dataset files are sealed as shards are verified.
    """
    now = time.time() if now is None else now
    results, scratch = folder / "results", folder / "scratch"
    names = [f"{number:05d}" for number in range(shards)]
    _write(results / "index" / "shards.json", {"format": 1, "generations": [names]})
    sealed = shards
    for number, stage in enumerate(STAGES):
        sealed = shards - number * shards // 5
        for folder_ in (results / stage, scratch / "progress" / stage):
            folder_.mkdir(parents=True)
        for name in names[:sealed]:
            _write(results / stage / f"{name}.json", _sidecar(stage, name))
            _write(scratch / "progress" / stage / f"{name}.json", _record(stage, name, now - 900, 1000, 1000, 5, finished=True))
        for name in names[sealed : sealed + running]:
            _write(scratch / "progress" / stage / f"{name}.json", _record(stage, name, now - 1, 100, 400, 3, finished=False))
    for name in names[:sealed]:
        _write(results / "dataset" / "sidecars" / f"shard-{name}.json", _sidecar("assemble", name))
    return results, scratch


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n")


def _record(stage: str, shard: str, updated: float, seconds: float, done: int, failed: int, *, finished: bool) -> dict[str, object]:
    counts = {"total": ROWS, "done": done, "computed": done, "reused": 0, "resumed": 0, "failed": failed}
    times = {"started": updated - seconds, "updated": updated, "finished": finished}
    return {"stage": stage, "shard": shard, "attempt": 1, "job": "4711", **times, **counts}


def _sidecar(stage: str, shard: str) -> dict[str, object]:
    return {
        "format": 1,
        "stage": stage,
        "shard": shard,
        "table": f"{shard}.parquet",
        "sha256": "0" * 64,
        "bytes": 1_000_000,
        "rows": ROWS,
        "rows_in": ROWS,
        "status": {"ok": 900, "rejected": 95, "failed": 5},
        "reasons": {f"reason {number}": 10 for number in range(10)},
        "code": "0" * 32,
        "settings": "0" * 32,
        "inputs": {f"../{stage}/{shard}.json": "0" * 64},
        "versions": {"numpy": "2.4.6", "pillow": "13.0.0", "pyarrow": "26.0.1"},
    }
