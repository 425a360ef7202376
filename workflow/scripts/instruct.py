"""Write instructions for the pictures of one shard."""

import json
from pathlib import Path

from unicedit.command import run, run_stage, table_parser, vlm_places


def main() -> None:
    made = table_parser(str(__doc__))
    made.add_argument("--ingest", type=Path, required=True, help="the shard's ingest table")
    made.add_argument("--prefilter", type=Path, required=True, help="the shard's prefilter table")
    arguments = made.parse_args()
    from unicedit.config.instruct import InstructSettings
    from unicedit.instruct.stage import InstructStage
    from unicedit.recipes import instruct_recipe
    from unicedit.taxonomy import load

    settings = json.loads(arguments.settings)
    instruct = InstructSettings(**settings["instruct"])
    taxonomy = load(Path(settings["taxonomy"]["path"]))
    places = vlm_places(arguments, InstructStage.name)
    run_stage(arguments, InstructStage(arguments.ingest, arguments.prefilter, instruct, taxonomy, instruct_recipe(instruct), places))


if __name__ == "__main__":
    run(main)
