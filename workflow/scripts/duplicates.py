"""Find exact, near and mirrored duplicates within a generation of shards and against earlier ones."""

from pathlib import Path

from unicedit.command import identity_of, run, table_parser


def main() -> None:
    made = table_parser(str(__doc__))
    made.add_argument("--results", type=Path, required=True, help="results folder that holds the index and the ingest tables")
    arguments = made.parse_args()
    import json

    import pyarrow.parquet as pq

    from unicedit.config.duplicates import DuplicatesSettings
    from unicedit.duplicates import find_duplicates
    from unicedit.index.index import load
    from unicedit.sidecar import seal

    results, number = arguments.results, int(arguments.shard)
    shards = load(results / "index").generations[number]
    earlier = [results / "duplicates" / f"{generation:04d}.parquet" for generation in range(number)]
    tables = [results / "ingest" / f"{shard}.parquet" for shard in shards]
    arguments.inputs = [path.with_suffix(".json") for path in [*tables, *earlier]]
    kinds = find_duplicates(shards, tables, earlier, arguments.table, DuplicatesSettings(**json.loads(arguments.settings)["duplicates"]))
    rows = pq.read_metadata(arguments.table).num_rows
    rejected = sum(kinds.values())
    status = {"ok": rows - rejected, "rejected": rejected, "failed": 0}
    seal(arguments.table, arguments.seal, identity_of(arguments, "duplicates"), rows=rows, rows_in=rows, status=status, reasons=kinds)


if __name__ == "__main__":
    run(main)
