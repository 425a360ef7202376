"""Have the failed rows of a stage computed again at the next run; its other rows are reused."""

from unicedit.command import folders, run, run_parser
from unicedit.map import MAPPED


def main() -> None:
    made = run_parser(str(__doc__))
    made.add_argument("--stage", choices=MAPPED, required=True, help="stage whose failed rows are tried again")
    arguments = made.parse_args()
    from unicedit.files import read_json
    from unicedit.sidecar import set_aside

    results, _ = folders(arguments)
    rows = shards = 0
    for sidecar in sorted((results / arguments.stage).glob("*.json")):
        failed = read_json(sidecar).get("status", {}).get("failed", 0)
        if failed:
            kept = results / ".kept" / arguments.stage
            kept.mkdir(parents=True, exist_ok=True)
            (kept / f"{sidecar.stem}.retry").touch()
            set_aside(sidecar, "failed rows are tried again")
            rows, shards = rows + failed, shards + 1
    print(f"{rows} failed rows in {shards} shards of {arguments.stage} are tried again at the next run")


if __name__ == "__main__":
    run(main)
