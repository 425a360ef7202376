"""All benchmarks, as ratios (`make bench`): about 25 minutes on two cores; nothing else should run meanwhile. Leaves with 1 when a target is missed.

`make bench ARGS="resumable_map dry_run"` runs some of them, `ARGS=img2dataset_peer` the optional one, which installs img2dataset in an environment of its own.
What follows a colon is handed to the benchmark: `ARGS=memory:1000,10000` measures a shard of full length.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

USUAL = (
    "resumable_map",
    "ingest_speed",
    "scorers",
    "memory",
    "dry_run",
    "d2po_step",
    "verify_speed",
    "vlm_openai",
    "edit_overlap",
    "judge_speed",
)
OPTIONAL = ("img2dataset_peer",)


def main() -> None:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("names", nargs="*", metavar="name", help=", ".join((*USUAL, *OPTIONAL)))
    names = made.parse_args().names or USUAL
    if unknown := {name.split(":")[0] for name in names} - {*USUAL, *OPTIONAL}:
        made.error(f"no benchmark named {', '.join(sorted(unknown))}; there are {', '.join((*USUAL, *OPTIONAL))}")
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}", flush=True)
    failed = []
    for name in names:
        module, _, arguments = name.partition(":")
        # each in a process of its own: a child's peak memory counts what its parent held when it was started
        command = [sys.executable, str(Path(__file__).with_name(f"{module}.py")), *filter(None, arguments.split(","))]
        if subprocess.run(command).returncode != 0:
            failed.append(name)
    if failed:
        sys.exit(f"missed a target, or failed (see above): {', '.join(failed)}")


if __name__ == "__main__":
    main()
