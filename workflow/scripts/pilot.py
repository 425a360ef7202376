"""Measure each sub-task's pass rate on a finished run, and write it as a configuration overlay (make pilot)."""

from pathlib import Path

from unicedit.command import folders, run, run_parser


def main() -> None:
    made = run_parser(str(__doc__))
    made.add_argument("--out", type=Path, help="overlay to write; by default pass_rates.yaml in the results folder")
    arguments = made.parse_args()
    from unicedit.pilot import measure

    results, _ = folders(arguments)
    out = arguments.out or results / "pass_rates.yaml"
    for one in measure(results, out):
        print(f"{one.subtask:28} {one.accepted:7d} of {one.asked:7d} asked  {'left out' if one.hopeless else f'{one.rate:.3f}'}")
    print(f"written: {out}")


if __name__ == "__main__":
    run(main)
