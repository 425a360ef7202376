"""Write the record of a run, and draw how its scores are distributed: pages of the run report."""

import json
from pathlib import Path

from unicedit.command import run
from unicedit.gather import gather_parser, seal_gather, sidecars


def main() -> None:
    made = gather_parser(str(__doc__))
    made.add_argument("--made", type=Path, nargs="*", default=[], help="sidecars of what was made of all shards")
    made.add_argument("--page", type=Path, required=True, help="page to write")
    made.add_argument("--scores", type=Path, required=True, help="picture to write")
    arguments = made.parse_args()
    from unicedit.config.model import parse
    from unicedit.index.index import load
    from unicedit.report.record import STAGES, record
    from unicedit.report.scores import plot_scores

    values = json.loads(arguments.settings)
    results, shards = arguments.results, load(arguments.results / "index").shards
    plot_scores(results, shards, arguments.scores)
    status = record(results, shards, arguments.made, parse(values["changed"]), values["simulated"], arguments.page)
    seal_gather(arguments, "record", arguments.page, [*sidecars(results, STAGES, shards), *arguments.made], status)


if __name__ == "__main__":
    run(main)
