"""Compare the benchmark's judges with the truth of its simulated edits: correlation, difference, coverage, tokens and cost."""

import json
from pathlib import Path

from unicedit.command import run
from unicedit.gather import gather_parser, seal_gather


def main() -> None:
    made = gather_parser(str(__doc__))
    made.add_argument("--judged", type=Path, nargs="+", required=True, help="the judges' tables, the measured one's too")
    made.add_argument("--expected", type=Path, nargs="*", default=[], help="the judges' tables of what is expected of right edits")
    made.add_argument("--inputs", type=Path, nargs="*", default=[], help="sidecars of the tables, recorded in the sidecar")
    arguments = made.parse_args()
    from unicedit.benchmark.plan import compared
    from unicedit.config.tables import TablesSettings
    from unicedit.tables.judge_truth import NAME, judge_truth
    from unicedit.tables.judge_truth_measure import judgements

    settings = json.loads(arguments.settings)
    truth, judges = compared(settings)
    table, expected = judgements(arguments.judged), judgements(arguments.expected)
    status = judge_truth(arguments.results, table, expected, truth, judges, TablesSettings(**settings["tables"]))
    seal_gather(arguments, NAME, arguments.results / "tables" / f"{NAME}.csv", arguments.inputs, status)


if __name__ == "__main__":
    run(main)
