"""Score both pictures of every triplet of a sample with an aesthetic predictor."""

import json
from pathlib import Path

from unicedit.command import run, run_stage, table_parser


def main() -> None:
    made = table_parser(str(__doc__))
    made.add_argument("--sample", type=Path, required=True, help="the sample, as triplets.py writes it")
    arguments = made.parse_args()
    from unicedit.config.prefilter import AestheticSettings
    from unicedit.recipes import triplet_aesthetic_recipe
    from unicedit.triplets.aesthetic import AestheticStage

    settings = AestheticSettings(**json.loads(arguments.settings)["aesthetic"])
    run_stage(arguments, AestheticStage(arguments.sample, settings, triplet_aesthetic_recipe(settings)))


if __name__ == "__main__":
    run(main)
