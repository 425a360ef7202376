"""What jobs asked for and what they used, by rule: memory, time, CPUs; and what they could ask for."""

from pathlib import Path

from unicedit.command import folders, run, run_parser


def main() -> None:
    made = run_parser(str(__doc__))
    made.add_argument(
        "--profile", type=Path, default=Path("profiles/slurm"), help="profile that says what is asked, where Slurm kept no accounts"
    )
    made.add_argument("--source", choices=("auto", "sacct", "benchmarks"), default="auto", help="where figures of use come from")
    arguments = made.parse_args()
    from rich.console import Console

    from unicedit.cluster.report import report

    results, _ = folders(arguments)
    report(Path.cwd(), results, arguments.profile, arguments.source, Console())


if __name__ == "__main__":
    run(main)
