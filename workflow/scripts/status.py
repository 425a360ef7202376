"""Show where a running or finished pipeline stands."""

from pathlib import Path

from unicedit.command import parser, run


def main() -> None:
    made = parser(str(__doc__))
    made.add_argument("--results", type=Path, default=Path("results"), help="results folder")
    made.add_argument("--scratch", type=Path, default=Path("scratch"), help="scratch folder")
    arguments = made.parse_args()
    from unicedit.monitor.status import status

    status(arguments.results, arguments.scratch)


if __name__ == "__main__":
    run(main)
