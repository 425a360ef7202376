"""Compare the failure filter with the truth of the simulated world."""

import json

from unicedit.command import run
from unicedit.gather import gather_parser, seal_gather, sidecars


def main() -> None:
    arguments = gather_parser(str(__doc__)).parse_args()
    from unicedit.config.tables import TablesSettings
    from unicedit.index.index import load
    from unicedit.tables.filter_truth import filter_truth

    values = json.loads(arguments.settings)
    results, shards = arguments.results, load(arguments.results / "index").shards
    status = filter_truth(results, shards, TablesSettings(**values["tables"]), values["verifier"])
    seal_gather(
        arguments,
        "filter_truth",
        results / "tables" / "filter_truth.csv",
        [*sidecars(results, ("verify",), shards), results / "truth" / "truth.json"],
        status,
    )


if __name__ == "__main__":
    run(main)
