"""Carry out the instructions of one shard, each by the editor it is assigned to."""

import json
from pathlib import Path

from unicedit.command import run, run_stage, table_parser


def main() -> None:
    made = table_parser(str(__doc__))
    made.add_argument("--ingest", type=Path, required=True, help="the shard's ingest table")
    made.add_argument("--instruct", type=Path, required=True, help="the shard's instruct table")
    arguments = made.parse_args()
    from unicedit.config.edit import EditSettings
    from unicedit.edit.stage import EditStage
    from unicedit.recipes import edit_recipes
    from unicedit.vlm.engines import VlmPlaces

    settings = json.loads(arguments.settings)
    edit = EditSettings(**settings["edit"])
    places = VlmPlaces(arguments.cache / "edits", arguments.table.parent.parent / "usage")
    run_stage(arguments, EditStage(arguments.ingest, arguments.instruct, edit, edit_recipes(edit), places))


if __name__ == "__main__":
    run(main)
