"""Adopt the finished rows of a stage under today's recipe, on your word; the record keeps who, when and why."""

from pathlib import Path

from unicedit.command import run, run_parser
from unicedit.map import MAPPED


def main() -> None:
    made = run_parser(str(__doc__))
    made.add_argument("--stage", choices=MAPPED, required=True, help="stage whose rows are adopted")
    made.add_argument("--why", default="accepted by the user", help="reason, for the record")
    arguments = made.parse_args()
    from unicedit.accept import accept
    from unicedit.recipes import todays_recipes
    from unicedit.training.recipes import samples_recipe
    from unicedit.workflow import read_config

    config = read_config([Path("config/config.yaml"), *arguments.configfile])
    recipes = {"": samples_recipe(config.samples)} if arguments.stage == "samples" else todays_recipes(arguments.stage, config)
    entries = accept(arguments.results or Path(config.paths.results), arguments.stage, recipes, arguments.why)
    for entry in entries:
        print(f"{entry['rows']} rows of {arguments.stage} {entry['variant']} made by recipe {entry['old']} serve for {entry['new']}")
    print(
        "The next run takes them over without computing."
        if entries
        else f"{arguments.stage}: every finished row already has today's recipe."
    )


if __name__ == "__main__":
    run(main)
