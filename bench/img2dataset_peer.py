"""Ingest beside img2dataset's resizer on the same files, one core each (optional: it installs img2dataset in an environment of its own).

The two do not do the same work: the resizer decodes, resizes, crops to 1024 x 1024 and encodes PNG at level 1; ingest also checks, digests, hashes and seals Parquet.
"""

import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from ingest_speed import measure
from pictures import make_photographs

PIN = "img2dataset==1.47.0"
LOOP = """
import io, json, sys, time
from pathlib import Path
from img2dataset.resizer import Resizer
paths = sorted(Path(sys.argv[1]).iterdir())
resizer = Resizer(1024, "center_crop", False, "lanczos", "lanczos", 1, "png")
started = time.perf_counter()
for path in paths:
    error = resizer(io.BytesIO(path.read_bytes()))[5]
    if error:
        raise SystemExit(error)
print(json.dumps(time.perf_counter() - started))
"""


def resizer_seconds(python: Path, photos: Path) -> float:
    """Seconds img2dataset's resizer takes over all files, on one core."""
    command = ["taskset", "-c", "0", str(python), "-W", "ignore", "-c", LOOP, str(photos)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "NO_ALBUMENTATIONS_UPDATE": "1"})
    return float(json.loads(done.stdout.splitlines()[-1]))


def main(count: int = 120, repeats: int = 3) -> float:
    """Print and return the ratio of images a second, the best of ``repeats`` of each."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        venv.create(folder / "venv", with_pip=True)
        python = folder / "venv" / "bin" / "python"
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PIN], check=True)
        make_photographs(folder / "photos", count)
        peer = min(resizer_seconds(python, folder / "photos") for _ in range(repeats))
        own = min(measure(folder, "ingest", "0") for _ in range(repeats))
    print(f"ingest / {PIN} resizer, images a second on one core, {count} JPEG of 1 MP: {peer / own:.2f}")
    return peer / own


if __name__ == "__main__":
    sys.exit(main() <= 0)
