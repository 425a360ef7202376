"""Peak memory of ingesting a shard of 1-MP pictures, by the shard's length (issue 3: under 1.5 GB for 10,000, and flat).

`make bench` measures 250 and 1,000 pictures, `make bench ARGS=memory:1000,10000` the full length too (20 GB of disk, 20 minutes). The library is hard links to
50 photographs.
"""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ingest_speed import ingest
from pictures import make_photographs
from targets import Targets

HERE = Path(__file__).resolve()
FLAT = 1.2  # names and digests of more pictures take something


def peak(folder: Path, count: int) -> float:
    """Megabytes at the peak of a process that ingests ``count`` pictures."""
    with tempfile.TemporaryDirectory(dir=folder) as made:
        photos = Path(made) / "photos"
        photos.mkdir()
        originals = sorted((folder / "originals").iterdir())
        for number in range(count):
            os.link(originals[number % len(originals)], photos / f"{number:06d}.jpg")
        done = subprocess.run([sys.executable, str(HERE), "--one", made], capture_output=True, text=True, check=True)
        return float(done.stdout.splitlines()[-1])


def main(counts: Sequence[int]) -> None:
    """Print the peaks. Leaves with 1 when a target is missed."""
    targets = Targets()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        make_photographs(folder / "originals", 50)
        peaks = {count: peak(folder, count) for count in counts}
    for count, megabytes in peaks.items():
        targets.show(f"peak memory of a shard of {count} pictures of 1 MP", megabytes, "MB", at_most=1500, digits=0)
    if len(peaks) > 1:
        few, many = min(peaks), max(peaks)
        targets.show(f"peak memory, {many} pictures / {few}", peaks[many] / peaks[few], at_most=FLAT)
    targets.end()


if __name__ == "__main__":
    if "--one" in sys.argv:
        ingest(Path(sys.argv[-1]), 0)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    else:
        main([int(value) for value in sys.argv[1:]] or (250, 1000))
