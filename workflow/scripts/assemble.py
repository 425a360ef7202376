"""Write the accepted edits of one shard as one file of the dataset."""

import json
from pathlib import Path

from unicedit.command import identity_of, run, table_parser


def main() -> None:
    made = table_parser(str(__doc__))
    made.add_argument("--results", type=Path, required=True, help="results folder that holds the shard's tables")
    arguments = made.parse_args()
    from unicedit.assemble import assemble
    from unicedit.config.dataset import DatasetSettings
    from unicedit.sidecar import seal

    settings = DatasetSettings(**json.loads(arguments.settings)["dataset"])
    ingest, prefilter, instruct, edit, verify = (
        arguments.results / stage / f"{arguments.shard}.parquet" for stage in ("ingest", "prefilter", "instruct", "edit", "verify")
    )
    status = assemble(arguments.shard, ingest, prefilter, instruct, edit, verify, arguments.table, settings)
    rows = sum(status.values())
    seal(arguments.table, arguments.seal, identity_of(arguments, "assemble"), rows=rows, rows_in=rows, status=status, reasons={})


if __name__ == "__main__":
    run(main)
