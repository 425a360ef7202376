"""Make Table 5: the accuracy of verifiers on the test split, beside the paper's; the run's own, or over several seeds the full one or the search."""

import json
from pathlib import Path

from unicedit.command import run
from unicedit.gather import gather_parser, seal_gather


def main() -> None:
    made = gather_parser(str(__doc__))
    paper = Path(__file__).resolve().parents[2] / "config" / "paper" / "table5_verifier.csv"
    made.add_argument("--paper", type=Path, default=paper, help="the paper's table")
    made.add_argument(
        "--name",
        choices=("table5", "table5_full", "table5_search"),
        default="table5",
        help="the run's own table, the full one with the trained controls, or the search; the latter two over seeds",
    )
    made.add_argument("--inputs", type=Path, nargs="*", default=[], help="sidecars of the evaluations, recorded in the sidecar")
    arguments = made.parse_args()
    from unicedit.config.table5 import Table5Settings
    from unicedit.config.tables import TablesSettings
    from unicedit.evaluation.rows import MAIN
    from unicedit.tables.table5 import table5

    values = json.loads(arguments.settings)
    settings = Table5Settings(**values["table5"])
    own = arguments.name == "table5"
    seeds = [MAIN] if own else [str(seed) for seed in range(settings.seeds)]
    tuned = 0 if own else len(settings.rate_factors)
    status = table5(
        arguments.name,
        arguments.results,
        settings.rows_of(arguments.name),
        seeds,
        arguments.paper,
        TablesSettings(**values["tables"]),
        values["simulated"],
        tuned,
    )
    seal_gather(arguments, arguments.name, arguments.results / "tables" / f"{arguments.name}.csv", arguments.inputs, status)


if __name__ == "__main__":
    run(main)
