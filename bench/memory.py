"""Peak memory of ingesting a shard of 1-MP pictures, by the shard's length (issue 1: under 1.5 GB for 10,000, and flat).

`make bench` measures 250 and 1,000 pictures; `python bench/memory.py 10000` the full length (20 GB of disk, 20 minutes). The library is hard links to 50 photographs.
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

HERE = Path(__file__).resolve()


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


def main(counts: Sequence[int] = (250, 1000)) -> dict[int, float]:
    """Print and return the peaks."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        make_photographs(folder / "originals", 50)
        peaks = {count: peak(folder, count) for count in counts}
    for count, megabytes in peaks.items():
        print(f"peak memory of a shard of {count} pictures of 1 MP: {megabytes:.0f} MB (wanted: under 1500 MB, flat in the length)")
    return peaks


if __name__ == "__main__":
    if "--one" in sys.argv:
        ingest(Path(sys.argv[-1]), 0)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    else:
        main([int(value) for value in sys.argv[1:]] or (250, 1000))
