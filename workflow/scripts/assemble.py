"""Write the accepted edits of one shard as one file of the dataset."""

import json
from pathlib import Path

from unicedit.command import identity_of, run, table_parser


def main() -> None:
    made = table_parser(str(__doc__))
    for stage in ("ingest", "prefilter", "instruct", "edit", "verify"):
        made.add_argument(f"--{stage}", type=Path, required=True, help=f"the shard's {stage} table")
    arguments = made.parse_args()
    from unicedit.assemble import assemble
    from unicedit.config.dataset import DatasetSettings
    from unicedit.sidecar import seal

    settings = DatasetSettings(**json.loads(arguments.settings)["dataset"])
    tables = (arguments.ingest, arguments.prefilter, arguments.instruct, arguments.edit, arguments.verify)
    status = assemble(arguments.shard, *tables, arguments.table, settings)
    rows = sum(status.values())
    seal(arguments.table, arguments.seal, identity_of(arguments, "assemble"), rows=rows, rows_in=rows, status=status, reasons={})


if __name__ == "__main__":
    run(main)
