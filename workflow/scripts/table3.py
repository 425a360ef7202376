"""Make Table 3: the data volume from step to step, beside the paper's figures."""

import json
from pathlib import Path

from unicedit.command import run
from unicedit.gather import gather_parser, seal_gather, sidecars


def main() -> None:
    made = gather_parser(str(__doc__))
    paper = Path(__file__).resolve().parents[2] / "config" / "paper" / "table3_funnel.csv"
    made.add_argument("--paper", type=Path, default=paper, help="the paper's table")
    arguments = made.parse_args()
    from unicedit.config.tables import TablesSettings
    from unicedit.index.index import load
    from unicedit.tables.table3 import table3

    values = json.loads(arguments.settings)
    results, shards = arguments.results, load(arguments.results / "index").shards
    status = table3(results, shards, arguments.paper, TablesSettings(**values["tables"]), values["simulated"])
    inputs = sidecars(results, ("ingest", "prefilter", "instruct", "edit", "verify", "assemble"), shards)
    seal_gather(arguments, "table3", results / "tables" / "table3.csv", inputs, status)


if __name__ == "__main__":
    run(main)
