"""Find pictures of one shard that show what a benchmark's picture shows: copies, mirror images and crops."""

import json
from pathlib import Path

from unicedit.command import run, run_stage, table_parser


def main() -> None:
    made = table_parser(str(__doc__))
    made.add_argument("--ingest", type=Path, required=True, help="the shard's ingest table")
    made.add_argument("--references", type=Path, required=True, help="the table of references.py")
    arguments = made.parse_args()
    from unicedit.config.contamination import ContaminationSettings
    from unicedit.lookalikes.stage import LookalikesStage
    from unicedit.recipes import lookalikes_recipe

    settings = ContaminationSettings(**json.loads(arguments.settings)["contamination"])
    run_stage(arguments, LookalikesStage(arguments.ingest, arguments.references, settings, lookalikes_recipe(settings)))


if __name__ == "__main__":
    run(main)
