"""Read the benchmark (or make the simulated one), check it, and store its records with their pictures."""

import json
from pathlib import Path

from unicedit.command import run
from unicedit.gather import gather_parser, seal_gather


def main() -> None:
    made = gather_parser(str(__doc__))
    paper = Path(__file__).resolve().parents[2] / "config" / "paper" / "taxonomy.csv"
    made.add_argument("--taxonomy", type=Path, default=paper, help="tasks and sub-tasks of the paper")
    made.add_argument("--cache", type=Path, default=Path("cache"), help="folder for downloaded datasets")
    made.add_argument("--table", type=Path, required=True, help="Parquet file to write")
    arguments = made.parse_args()
    from unicedit.benchmark.record import tasks_of
    from unicedit.benchmark.records import write_records
    from unicedit.config.benchmark import RecordsSettings

    settings = RecordsSettings(**json.loads(arguments.settings)["benchmark"])
    rows = write_records(settings, tasks_of(arguments.taxonomy), arguments.cache / "datasets", arguments.table)
    seal_gather(arguments, "records", arguments.table, [], {"ok": rows, "rejected": 0, "failed": 0})


if __name__ == "__main__":
    run(main)
