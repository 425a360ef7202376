"""Get UnicBench's public prompts, and its dataset where `benchmark.source` is `hub`, into the cache folder. Run where there is a network; jobs never download."""

from pathlib import Path

from unicedit.command import parser, run


def main() -> None:
    made = parser(str(__doc__))
    made.add_argument(
        "--configfile", type=Path, nargs="*", default=[], help="configuration files beside config/config.yaml, as given to Snakemake"
    )
    arguments = made.parse_args()
    from unicedit.benchmark.fetch import fetch_dataset, fetch_prompts
    from unicedit.workflow import read_config

    config = read_config([Path("config/config.yaml"), *arguments.configfile])
    cache = Path(config.paths.cache)
    print(f"public prompts: {fetch_prompts(cache)}")
    if config.benchmark.source == "hub":
        print(f"{config.benchmark.dataset}: {fetch_dataset(config.benchmark, cache):,} rows in {cache / 'datasets'}")


if __name__ == "__main__":
    run(main)
