"""Make the table of another benchmark, by the groups that its publishers give figures of and their formulas."""

import json
from pathlib import Path

from unicedit.command import run
from unicedit.gather import gather_parser, seal_gather


def main() -> None:
    made = gather_parser(str(__doc__))
    made.add_argument("--records", type=Path, required=True, help="the benchmark's table of records")
    made.add_argument("--viescores", type=Path, nargs="*", default=[], help="tables of bench_viescore.py")
    made.add_argument("--inputs", type=Path, nargs="*", default=[], help="sidecars of the tables, recorded in the sidecar")
    arguments = made.parse_args()
    from unicedit.benchmark.mapping import BenchMapping
    from unicedit.benchmark.plan import check_groups
    from unicedit.config.tables import TablesSettings
    from unicedit.tables.bench_groups import NAME, Compared, bench_groups

    settings = json.loads(arguments.settings)
    check_groups(settings)
    compared = Compared(settings["models"], settings["languages"], settings["judges"])
    mapping = BenchMapping(**settings["mapping"])
    status = bench_groups(
        arguments.results, arguments.records, arguments.viescores, mapping, compared, TablesSettings(**settings["tables"])
    )
    seal_gather(arguments, NAME, arguments.results / "tables" / f"{NAME}.csv", arguments.inputs, status)


if __name__ == "__main__":
    run(main)
