"""Score every metric of one model's edits in one language, by one judge."""

import json
from pathlib import Path

from unicedit.command import run, run_stage, table_parser, vlm_places


def main() -> None:
    made = table_parser(str(__doc__))
    made.add_argument("--records", type=Path, required=True, help="the benchmark's table of records")
    made.add_argument("--edits", type=Path, required=True, help="the model's table of edits")
    made.add_argument(
        "--expected", type=Path, nargs="*", default=[], help="the judge's table of what is expected of right edits, where it has one"
    )
    arguments = made.parse_args()
    from unicedit.benchmark.recipes import judge_recipe
    from unicedit.config.edit import EditorSettings
    from unicedit.config.judge import JudgeSettings
    from unicedit.judge.stage import JudgeStage

    settings = json.loads(arguments.settings)
    judge = JudgeSettings(**settings["judge"])
    model = EditorSettings(**settings["model"]) if "model" in settings else None
    expected = next(iter(arguments.expected), None)
    places = vlm_places(arguments, f"judge-{judge.name}")
    tables = (arguments.records, arguments.edits, expected)
    run_stage(arguments, JudgeStage(*tables, judge, model, judge_recipe(judge, model), places, arguments.cache))


if __name__ == "__main__":
    run(main)
