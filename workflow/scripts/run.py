"""Run Snakemake with progress bars and a summary: `python workflow/scripts/run.py -- snakemake --cores 2 all`."""

import os
import sys
from pathlib import Path

from unicedit.command import parser, run

DRY = ("-n", "--dry-run", "--dryrun")


def main() -> None:
    made = parser(str(__doc__))
    made.add_argument("--results", type=Path, help="results folder; by default what the command's configuration files say")
    made.add_argument("--scratch", type=Path, help="scratch folder; by default what the command's configuration files say")
    made.add_argument("command", nargs="+", help="the Snakemake command, after --")
    arguments = made.parse_args()
    from unicedit.config.model import read_file
    from unicedit.config.paths import check_folders
    from unicedit.monitor.places import configfiles, places_of
    from unicedit.monitor.watch import watch

    for path in configfiles(arguments.command):
        read_file(path)  # of a file that is none, Snakemake says less than which
    if any(word in DRY for word in arguments.command):
        os.execvp(arguments.command[0], arguments.command)
    results, scratch = places_of(arguments.command)
    results, scratch = arguments.results or results, arguments.scratch or scratch
    check_folders(str(results), str(scratch))
    sys.exit(watch(arguments.command, results / "logs" / "snakemake.log", scratch, results))


if __name__ == "__main__":
    run(main)
