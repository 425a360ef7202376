"""Score the pictures of one shard and reject duplicates and those below the thresholds."""

import json
from pathlib import Path

from unicedit.command import run, run_stage, table_parser


def main() -> None:
    made = table_parser(str(__doc__))
    made.add_argument("--ingest", type=Path, required=True, help="the shard's ingest table")
    made.add_argument("--duplicates", type=Path, required=True, help="the duplicates table of the shard's generation")
    arguments = made.parse_args()
    from unicedit.config.prefilter import PrefilterSettings
    from unicedit.prefilter import PrefilterStage
    from unicedit.recipes import prefilter_recipe

    settings = PrefilterSettings(**json.loads(arguments.settings)["prefilter"])
    run_stage(arguments, PrefilterStage(arguments.ingest, arguments.duplicates, arguments.shard, settings, prefilter_recipe(settings)))


if __name__ == "__main__":
    run(main)
