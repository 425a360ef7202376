"""Ask for instructions that a benchmark may have, of pictures drawn from the whole library."""

import json
from pathlib import Path

from unicedit.command import run, run_stage, table_parser, vlm_places


def main() -> None:
    made = table_parser(str(__doc__))
    made.add_argument("--results", type=Path, default=Path("results"), help="results folder of the pipeline")
    made.add_argument("--used", type=Path, nargs="*", default=[], help="tables of what was trained on, whose pictures are left out")
    arguments = made.parse_args()
    from unicedit.config.instruct import InstructSettings
    from unicedit.config.propose import ProposeSettings
    from unicedit.index.index import load as load_index
    from unicedit.propose.pictures import Used, choose
    from unicedit.propose.plan import ProposePlan
    from unicedit.propose.stage import ProposeStage
    from unicedit.recipes import instruct_recipe
    from unicedit.taxonomy import load

    settings = json.loads(arguments.settings)
    writer, propose = InstructSettings(**settings["instruct"]), ProposeSettings(**settings["propose"])
    taxonomy = load(Path(settings["taxonomy"]["path"]))
    plan = ProposePlan(propose, writer, taxonomy)
    ingest, prefilter = arguments.results / "ingest", arguments.results / "prefilter"
    shards = load_index(arguments.results / "index").shards
    tables = [(shard, ingest / f"{shard}.parquet", prefilter / f"{shard}.parquet") for shard in shards]
    pictures = choose(tables, Used(arguments.used), propose, plan.pictures)
    recipe = instruct_recipe(writer, ProposeStage.name)
    run_stage(arguments, ProposeStage(ingest, pictures, plan, writer, taxonomy, recipe, vlm_places(arguments, ProposeStage.name)))


if __name__ == "__main__":
    run(main)
