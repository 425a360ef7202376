"""Draw a sample of a dataset's triplets, through a mapping of its columns: the same sample for the same files, mapping and seed."""

import json
from pathlib import Path

from unicedit.command import identity_of, run, table_parser


def main() -> None:
    made = table_parser(str(__doc__))
    made.add_argument("--mapping", type=Path, required=True, help="how the dataset's files hold its triplets, as config/datasets/*.yaml")
    made.add_argument("--root", type=Path, required=True, help="folder that the dataset was fetched into")
    arguments = made.parse_args()
    from unicedit.config.table2 import Table2Settings
    from unicedit.schema import FAILED, OK, REJECTED
    from unicedit.sidecar import seal
    from unicedit.triplets.limits import Limits
    from unicedit.triplets.mapping import load
    from unicedit.triplets.sample import write_sample

    values = json.loads(arguments.settings)
    settings = Table2Settings(**{name: values[name] for name in ("samples", "seed") if name in values})
    mapping = load(arguments.mapping)
    counted = write_sample(arguments.root, mapping, settings.samples, settings.seed, Limits(), arguments.table)
    print(f"{mapping.name}: {', '.join(f'{n} {status}' for status, n in sorted(counted.items()))} in {arguments.table}")
    status = {name: counted[name] for name in (OK, REJECTED, FAILED)}
    rows = sum(status.values())
    seal(arguments.table, arguments.seal, identity_of(arguments, "triplets"), rows=rows, rows_in=rows, status=status, reasons={})


if __name__ == "__main__":
    run(main)
