"""Show where a running or finished pipeline stands."""

from unicedit.command import folders, run, run_parser


def main() -> None:
    arguments = run_parser(str(__doc__)).parse_args()
    from unicedit.monitor.status import status

    status(*folders(arguments))


if __name__ == "__main__":
    run(main)
