"""Join the samples of SFT and D2PO into one table: what the control trains on that sees hallucinations from the start."""

from pathlib import Path

from unicedit.command import parser, run


def main() -> None:
    made = parser(str(__doc__))
    made.add_argument("--tables", type=Path, nargs="+", required=True, help="tables of samples")
    made.add_argument("--out", type=Path, required=True, help="Parquet file to write")
    made.add_argument("--seal", type=Path, required=True, help="sidecar to write")
    made.add_argument("--code", default="", help="digest of the code, recorded in the sidecar")
    made.add_argument("--inputs", type=Path, nargs="*", default=[], help="sidecars of the tables, recorded in the sidecar")
    arguments = made.parse_args()
    from unicedit.evaluation.tuning import joined
    from unicedit.sidecar import Identity, seal

    rows = joined(arguments.tables, arguments.out)
    identity = Identity("table5_data", "all", arguments.code, "{}", tuple(arguments.inputs))
    seal(arguments.out, arguments.seal, identity, rows=rows, rows_in=rows, status={"ok": rows, "rejected": 0, "failed": 0}, reasons={})


if __name__ == "__main__":
    run(main)
