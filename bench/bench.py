"""All benchmarks, as ratios (`make bench`): about 15 minutes on two cores; nothing else should run meanwhile.

`make bench ARGS="resumable_map dry_run"` runs some of them, `ARGS=img2dataset_peer` the optional one, which installs img2dataset in an environment of its own.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

USUAL = ("resumable_map", "ingest_speed", "scorers", "memory", "dry_run")
OPTIONAL = ("img2dataset_peer",)


def main() -> None:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("names", nargs="*", metavar="name", help=", ".join((*USUAL, *OPTIONAL)))
    names = made.parse_args().names or USUAL
    if unknown := set(names) - {*USUAL, *OPTIONAL}:
        made.error(f"no benchmark named {', '.join(sorted(unknown))}; there are {', '.join((*USUAL, *OPTIONAL))}")
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}", flush=True)
    for name in names:
        # each in a process of its own: a child's peak memory counts what its parent held when it was started
        subprocess.run([sys.executable, str(Path(__file__).with_name(f"{name}.py"))], check=True)


if __name__ == "__main__":
    main()
