"""A job of its own for the tests: a few numbers under the resumable map, each so slow. ``python slow_numbers.py FOLDER SECONDS``."""

import logging
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "tests"), str(REPOSITORY / "workflow/scripts")]

from number_stage import NumberStage, run_numbers  # noqa: E402

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    folder = Path(sys.argv[1])
    run_numbers(folder, NumberStage(range(4), folder / "calls", seconds=float(sys.argv[2]), batch_size=1))
