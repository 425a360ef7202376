"""Write the benchmark's edits and scores in the layout that UnicBench's public tools read."""

from pathlib import Path

from unicedit.command import run
from unicedit.gather import gather_parser, seal_gather


def main() -> None:
    made = gather_parser(str(__doc__))
    made.add_argument("--records", type=Path, required=True, help="the benchmark's table of records")
    made.add_argument("--edits", type=Path, nargs="+", required=True, help="the models' tables of edits")
    made.add_argument("--judged", type=Path, nargs="*", default=[], help="the judges' tables")
    made.add_argument("--inputs", type=Path, nargs="*", default=[], help="their sidecars, recorded in the sidecar")
    made.add_argument("--out", type=Path, required=True, help="folder to write, in place of what is there")
    arguments = made.parse_args()
    from unicedit.benchmark.export import export

    status = export(arguments.records, arguments.edits, arguments.judged, arguments.out)
    seal_gather(arguments, "bench_export", arguments.records, arguments.inputs, status)


if __name__ == "__main__":
    run(main)
