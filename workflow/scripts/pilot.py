"""Measure each sub-task's pass rate on a finished run, and write it as a configuration overlay (make pilot)."""

from pathlib import Path

from unicedit.command import parser, run


def main() -> None:
    made = parser(str(__doc__))
    made.add_argument("--results", type=Path, default=Path("results"), help="folder of the finished run")
    made.add_argument("--out", type=Path, default=Path("pass_rates.yaml"), help="overlay to write")
    arguments = made.parse_args()
    from unicedit.pilot import measure

    for one in measure(arguments.results, arguments.out):
        print(f"{one.subtask:28} {one.accepted:7d} of {one.asked:7d} asked  {'left out' if one.hopeless else f'{one.rate:.3f}'}")
    print(f"written: {arguments.out}")


if __name__ == "__main__":
    run(main)
