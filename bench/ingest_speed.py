"""Ingest against a bare loop of the same decode, resize and encode calls, on one core; and two workers against one (issue 3).

Ingest also checks, digests, hashes, journals and writes Parquet; the bare loop does none of that.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pictures import make_photographs
from PIL import Image
from targets import Targets

from unicedit.config.ingest import IngestSettings
from unicedit.config.library import LibrarySettings
from unicedit.index.index import refresh
from unicedit.ingest.crop import crop_of

HERE = Path(__file__).resolve()
SETTINGS = IngestSettings(size_divisor=1)


def bare(paths: list[Path]) -> float:
    """Seconds for decode, resize and encode alone."""
    started = time.perf_counter()
    for path in paths:
        picture = Image.open(io.BytesIO(path.read_bytes())).convert("RGB")
        crop = crop_of(picture.width, picture.height, 1)
        picture.resize(crop.size, Image.Resampling.LANCZOS, box=crop.box).save(io.BytesIO(), "PNG", compress_level=1)
    return time.perf_counter() - started


def ingest(folder: Path, workers: int) -> float:
    """Seconds for the ingest stage over the same files, sealed table and all."""
    from unicedit.config.map import MapSettings
    from unicedit.files import read_json
    from unicedit.ingest.stage import IngestStage
    from unicedit.map.run import Places, run_map
    from unicedit.sidecar import Identity

    with tempfile.TemporaryDirectory(dir=folder) as made:
        results = Path(made)
        refresh(LibrarySettings(kind="files", path=str(folder / "photos"), shard_size=100_000), 0, results / "index", lambda *_: None)
        started = time.perf_counter()
        stage = IngestStage(read_json(results / "index" / "00000.json"), SETTINGS, "bench")
        table = results / "ingest" / "00000.parquet"
        places = Places.of(table, table.with_suffix(".json"), results / "scratch", "ingest", "00000")
        run_map(stage, places, Identity("ingest", "00000", "", "{}"), MapSettings(workers=workers))
        return time.perf_counter() - started


def measure(folder: Path, what: str, cores: str) -> float:
    """Run one measurement in a process of its own, tied to ``cores`` (as taskset counts them)."""
    command = ["taskset", "-c", cores, sys.executable, str(HERE), "--one", what, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    return float(json.loads(done.stdout.splitlines()[-1]))


def main(count: int = 300, repeats: int = 3) -> None:
    """Print the ratios: the best of ``repeats`` of each measurement. Leaves with 1 when a target is missed."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        make_photographs(folder / "photos", count)
        best = {
            what: min(measure(folder, what, cores) for _ in range(repeats))
            for what, cores in (("bare", "0"), ("ingest", "0"), ("one worker", "0,1"), ("two workers", "0,1"))
        }
    targets = Targets()
    what = f"ingest / bare loop, images a second on one core, {count} JPEG of 1 MP"
    targets.show(what, best["bare"] / best["ingest"], at_least=0.75)
    targets.show("two workers / one worker, images a second", best["one worker"] / best["two workers"], at_least=1.8)
    targets.end()


if __name__ == "__main__":
    if "--one" in sys.argv:
        what, place = sys.argv[-2], Path(sys.argv[-1])
        workers = {"ingest": 0, "one worker": 1, "two workers": 2}
        print(json.dumps(bare(sorted((place / "photos").iterdir())) if what == "bare" else ingest(place, workers[what])))
    else:
        main()
