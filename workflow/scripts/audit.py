"""Examine an editing dataset, ours or anyone's, and say what is wrong with it (make audit DATASET=folder).

    python workflow/scripts/audit.py results/dataset
    python workflow/scripts/audit.py /data/x2edit --mapping config/datasets/x2edit.yaml --taxonomy none --benchmark /data/benchmark/images

Writes audit.json, audit.md and figures. A killed audit goes on where it was. The exit code is 0 whatever was found; with --strict it is 1 where faults were.
"""

import argparse
import sys
from pathlib import Path

from unicedit.command import run


def main() -> None:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("dataset", type=Path, help="folder of the dataset")
    made.add_argument(
        "--mapping", type=Path, default=Path("config/datasets/ours.yaml"), help="which of its columns hold what (config/datasets/*.yaml)"
    )
    made.add_argument("--taxonomy", default="config/taxonomy.yaml", help="sub-tasks its labels should be of; none: they are its own")
    made.add_argument("--out", type=Path, default=Path("audit"), help="folder of the report")
    made.add_argument("--benchmark", type=Path, help="folder of a benchmark's images, to be sought in the dataset")
    made.add_argument("--verifier", metavar="MODEL", help="folder of a trained verifier, to tell which edits did nothing")
    made.add_argument("--workers", type=int, help="processes that decode and measure; by default one a processor")
    made.add_argument("--strict", action="store_true", help="leave with 1 where a check found faults")
    arguments = made.parse_args()
    from rich.console import Console

    from unicedit.audit.audit import audit
    from unicedit.audit.gather import processors
    from unicedit.audit.wishes import Wishes
    from unicedit.meter import Meter
    from unicedit.taxonomy import load as load_taxonomy
    from unicedit.triplets.mapping import load

    taxonomy = None if arguments.taxonomy == "none" else load_taxonomy(arguments.taxonomy)
    wishes = Wishes(taxonomy, benchmark=arguments.benchmark, verified=arguments.verifier is not None)
    workers = arguments.workers or processors()
    with Meter(Console(stderr=True), "reading") as meter:
        findings = audit(
            arguments.dataset,
            load(arguments.mapping),
            arguments.out,
            wishes,
            workers=workers,
            verifier=arguments.verifier,
            say=lambda share, rows: meter.show(share, f"{rows:,} rows"),
        )
    for one in findings:
        print(f"{one.verdict:12} {one.check:24} {one.said}")
    print(f"{arguments.out / 'audit.md'}: the report")
    sys.exit(1 if arguments.strict and any(one.verdict == "found" for one in findings) else 0)


if __name__ == "__main__":
    run(main)
