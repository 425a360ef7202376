"""Score SC and PQ of a sample of triplets, by one judge, as often as its settings say."""

import json
from pathlib import Path

from unicedit.command import run, run_stage, table_parser, vlm_places


def main() -> None:
    made = table_parser(str(__doc__))
    made.add_argument("--sample", type=Path, required=True, help="the sample, as triplets.py writes it")
    arguments = made.parse_args()
    from unicedit.config.judge import JudgeSettings
    from unicedit.viescore.recipe import viescore_recipe
    from unicedit.viescore.stage import ViescoreStage

    judge = JudgeSettings(**json.loads(arguments.settings)["judge"])
    places = vlm_places(arguments, f"viescore-{judge.name}")
    run_stage(arguments, ViescoreStage(arguments.sample, judge, viescore_recipe(judge), places))


if __name__ == "__main__":
    run(main)
