"""Make Table 2: VIEScores of datasets' samples, beside the paper's."""

import json
from pathlib import Path

from unicedit.command import run
from unicedit.gather import gather_parser, seal_gather


def main() -> None:
    made = gather_parser(str(__doc__))
    paper = Path(__file__).resolve().parents[2] / "config" / "paper" / "table2_dataset_quality.csv"
    made.add_argument("--scores", type=Path, nargs="*", default=[], help="tables of viescore.py: one a dataset and judge")
    made.add_argument("--aesthetics", type=Path, nargs="*", default=[], help="tables of triplet_aesthetic.py: one a dataset")
    made.add_argument("--paper", type=Path, default=paper, help="the paper's table")
    made.add_argument("--inputs", type=Path, nargs="*", default=[], help="sidecars of the tables, recorded in the sidecar")
    arguments = made.parse_args()
    from unicedit.config.tables import TablesSettings
    from unicedit.errors import PipelineError
    from unicedit.tables.table2 import NAME, table2

    if not arguments.scores:
        raise PipelineError("no dataset was scored: name one under table2.datasets and a judge under table2.judges (docs/judging.md)")
    tables = TablesSettings(**json.loads(arguments.settings).get("tables", {}))
    folder = arguments.results / "tables"
    status = table2(folder, arguments.scores, arguments.aesthetics, arguments.paper, tables.confidence)
    seal_gather(arguments, NAME, folder / f"{NAME}.csv", arguments.inputs, status)


if __name__ == "__main__":
    run(main)
