"""List the pictures of benchmarks that are in the library."""

import json
from pathlib import Path

from unicedit.command import run
from unicedit.gather import gather_parser, seal_gather, sidecars


def main() -> None:
    arguments = gather_parser(str(__doc__)).parse_args()
    from unicedit.index.index import load
    from unicedit.tables.contamination import NAME, contamination

    shards = load(arguments.results / "index").shards
    settings = json.loads(arguments.settings)
    references = arguments.results / "contamination" / "references.parquet"
    status = contamination(arguments.results, references, shards, settings["exclude"], settings["simulated"])
    inputs = [*sidecars(arguments.results, ["lookalikes"], shards), Path(references.with_suffix(".json"))]
    seal_gather(arguments, NAME, arguments.results / "tables" / f"{NAME}.csv", inputs, status)


if __name__ == "__main__":
    run(main)
