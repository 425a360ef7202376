"""Have one model edit every sample of the benchmark, after its instruction in one language."""

import json
from pathlib import Path

from unicedit.benchmark.plan import unit_of
from unicedit.command import run, run_stage, table_parser


def main() -> None:
    made = table_parser(str(__doc__))
    made.add_argument("--records", type=Path, required=True, help="the benchmark's table of records")
    arguments = made.parse_args()
    from unicedit.benchmark.edit_stage import BenchEditStage
    from unicedit.benchmark.recipes import bench_edit_recipe
    from unicedit.config.edit import EditorSettings
    from unicedit.config.ingest import EncodingSettings
    from unicedit.vlm.engines import VlmPlaces

    settings = json.loads(arguments.settings)
    model, encoding = EditorSettings(**settings["model"]), EncodingSettings(**settings["encoding"])
    recipe = bench_edit_recipe(model, encoding)
    language = unit_of(arguments.shard).language
    places = VlmPlaces(arguments.cache / "edits", arguments.table.parent.parent / "usage")
    run_stage(arguments, BenchEditStage(arguments.records, language, model, encoding, settings["batch_size"], recipe, places))


if __name__ == "__main__":
    run(main)
