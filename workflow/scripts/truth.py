"""Note what every simulated edit really did. Only evaluation reads it."""

import json

from unicedit.command import run
from unicedit.gather import gather_parser, seal_gather, sidecars


def main() -> None:
    arguments = gather_parser(str(__doc__)).parse_args()
    from unicedit.config.edit import EditSettings
    from unicedit.index.index import load
    from unicedit.truth import write_truth

    results, shards = arguments.results, load(arguments.results / "index").shards
    table = results / "truth" / "truth.parquet"
    rows = write_truth(results, shards, table, EditSettings(**json.loads(arguments.settings)["edit"]))
    seal_gather(arguments, "truth", table, sidecars(results, ("edit",), shards), {"ok": rows, "rejected": 0, "failed": 0})


if __name__ == "__main__":
    run(main)
