"""Score one model's edits of the benchmark in one language, by one judge: SC and PQ, as VIEScore has them, or what another benchmark's mapping asks."""

import json
from pathlib import Path

from unicedit.command import run, run_stage, table_parser, vlm_places


def main() -> None:
    made = table_parser(str(__doc__))
    made.add_argument("--records", type=Path, required=True, help="the benchmark's table of records")
    made.add_argument("--edits", type=Path, required=True, help="the model's table of edits")
    arguments = made.parse_args()
    from unicedit.benchmark.triplets import write_triplets
    from unicedit.config.judge import JudgeSettings
    from unicedit.viescore.recipe import viescore_recipe
    from unicedit.viescore.stage import BenchViescoreStage

    settings = json.loads(arguments.settings)
    judge, questions = JudgeSettings(**settings["judge"]), settings["questions"]
    sample = arguments.scratch / BenchViescoreStage.name / f"{arguments.shard}.triplets.parquet"
    sample.parent.mkdir(parents=True, exist_ok=True)
    write_triplets(arguments.records, arguments.edits, sample)
    places = vlm_places(arguments, f"{BenchViescoreStage.name}-{judge.name}")
    run_stage(arguments, BenchViescoreStage(sample, judge, viescore_recipe(judge, questions), places, questions))


if __name__ == "__main__":
    run(main)
