"""Score the pictures of one shard and reject duplicates and those below the thresholds."""

import json
from pathlib import Path

from unicedit.command import run, run_stage, table_parser


def main() -> None:
    made = table_parser(str(__doc__))
    made.add_argument("--ingest", type=Path, required=True, help="the shard's ingest table")
    made.add_argument("--duplicates", type=Path, required=True, help="the duplicates table of the shard's generation")
    made.add_argument(
        "--lookalikes", type=Path, nargs="*", default=[], help="the shard's table of look-alikes, where benchmarks are excluded"
    )
    arguments = made.parse_args()
    from unicedit.config.prefilter import PrefilterSettings
    from unicedit.prefilter import PrefilterStage
    from unicedit.recipes import prefilter_recipe

    settings = PrefilterSettings(**json.loads(arguments.settings)["prefilter"])
    tables = (arguments.ingest, arguments.duplicates, arguments.shard)
    run_stage(arguments, PrefilterStage(*tables, settings, prefilter_recipe(settings), next(iter(arguments.lookalikes), None)))


if __name__ == "__main__":
    run(main)
