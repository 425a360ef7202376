"""Note what every simulated edit of one shard really did. Only evaluation reads it."""

import json
from pathlib import Path

from unicedit.command import identity_of, run, table_parser


def main() -> None:
    made = table_parser(str(__doc__))
    for name in ("ingest", "instruct", "edit"):
        made.add_argument(f"--{name}", type=Path, required=True, help=f"the shard's {name} table")
    arguments = made.parse_args()
    from unicedit.config.edit import EditSettings
    from unicedit.sidecar import seal
    from unicedit.truth import write_truth

    settings = EditSettings(**json.loads(arguments.settings)["edit"])
    rows = write_truth(arguments.ingest, arguments.instruct, arguments.edit, arguments.table, settings)
    status = {"ok": rows, "rejected": 0, "failed": 0}
    seal(arguments.table, arguments.seal, identity_of(arguments, "truth"), rows=rows, rows_in=rows, status=status, reasons={})


if __name__ == "__main__":
    run(main)
