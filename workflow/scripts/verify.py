"""Verify the edits of one shard: did a valid edit take place, and what did it change?"""

import json
from pathlib import Path

from unicedit.command import run, run_stage, table_parser, vlm_places


def main() -> None:
    made = table_parser(str(__doc__))
    made.add_argument("--ingest", type=Path, required=True, help="the shard's ingest table")
    made.add_argument("--instruct", type=Path, required=True, help="the shard's instruct table")
    made.add_argument("--edit", type=Path, required=True, help="the shard's edit table")
    made.add_argument("--model", type=Path, help="folder of the verifier trained in this run, for the engine `transformers`")
    made.add_argument("--base", type=Path, help="folder of the model it was trained from, for its blind second reading")
    arguments = made.parse_args()
    from unicedit.config.edit import EditSettings
    from unicedit.config.verify import VerifySettings
    from unicedit.recipes import verify_recipe
    from unicedit.verify.stage import VerifyStage

    settings = json.loads(arguments.settings)
    editors = EditSettings(**settings.get("edit", {}))
    verify = VerifySettings(**settings["verify"])
    recipe = verify_recipe(verify, editors)
    tables = (arguments.ingest, arguments.instruct, arguments.edit)
    run_stage(
        arguments, VerifyStage(*tables, verify, editors, recipe, arguments.model, arguments.base, vlm_places(arguments, VerifyStage.name))
    )


if __name__ == "__main__":
    run(main)
