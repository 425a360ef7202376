"""Make Table 4: scores of editing models on the benchmark, beside the paper's; and the same by sub-task."""

import json
from pathlib import Path

from unicedit.command import run
from unicedit.gather import gather_parser, seal_gather


def main() -> None:
    made = gather_parser(str(__doc__))
    paper = Path(__file__).resolve().parents[2] / "config" / "paper" / "table4_unicbench.csv"
    made.add_argument("--paper", type=Path, default=paper, help="the paper's table")
    made.add_argument("--judged", type=Path, nargs="+", required=True, help="the judges' tables")
    made.add_argument("--inputs", type=Path, nargs="*", default=[], help="their sidecars, recorded in the sidecar")
    arguments = made.parse_args()
    from unicedit.tables.table4 import table4

    status = table4(arguments.results, arguments.judged, arguments.paper, json.loads(arguments.settings))
    seal_gather(arguments, "table4", arguments.results / "tables" / "table4.csv", arguments.inputs, status)


if __name__ == "__main__":
    run(main)
