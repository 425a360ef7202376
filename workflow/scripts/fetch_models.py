"""Fetch the models that a configuration names by their hub ids, once, and lock what they stand for; afterwards no job needs a network."""

from pathlib import Path

from unicedit.command import parser, run


def main() -> None:
    made = parser(str(__doc__))
    made.add_argument(
        "--configfile", type=Path, nargs="*", default=[], help="configuration files beside config/config.yaml, as given to Snakemake"
    )
    made.add_argument("--update", action="store_true", help="ask the hub what branches and tags stand for now, and lock that")
    arguments = made.parse_args()
    from unicedit.models.fetch import fetch_models
    from unicedit.workflow import merged

    config = merged([Path("config/config.yaml"), *arguments.configfile])
    for one in fetch_models(config, update=arguments.update):
        commit = f" {one.commit[:12]}, {one.size / 1e9:,.2f} GB, licence {one.licence}" if one.commit else ""
        print(f"{one.one.name}:{commit} ({one.what})", flush=True)
    print(f"lock file: {config.models.lock}")


if __name__ == "__main__":
    run(main)
