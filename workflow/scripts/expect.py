"""Have a judge work out what a right edit of each Reasoning sample shows, for all models."""

import json
from pathlib import Path

from unicedit.benchmark.plan import unit_of
from unicedit.command import run, run_stage, table_parser, vlm_places


def main() -> None:
    made = table_parser(str(__doc__))
    made.add_argument("--records", type=Path, required=True, help="the benchmark's table of records")
    arguments = made.parse_args()
    from unicedit.benchmark.recipes import expect_recipe
    from unicedit.config.judge import JudgeSettings
    from unicedit.judge.expect_stage import ExpectStage

    judge = JudgeSettings(**json.loads(arguments.settings)["judge"])
    language = unit_of(arguments.shard).language
    places = vlm_places(arguments, f"judge-{judge.name}")
    run_stage(arguments, ExpectStage(arguments.records, language, judge, expect_recipe(judge), places))


if __name__ == "__main__":
    run(main)
