"""Say what judges' tables hold: means with coverage and intervals, neighbours in the ranking, spread over repeats, agreement of judges, failures."""

from pathlib import Path

from unicedit.command import parser, run


def main() -> None:
    made = parser(str(__doc__))
    made.add_argument("--judged", type=Path, nargs="+", required=True, help="judges' tables (Parquet)")
    made.add_argument(
        "--out", type=Path, required=True, help="folder to write means, neighbours, repeats, agreement and failures (.csv) into"
    )
    made.add_argument("--repeats", type=int, help="repeats that were to be made; without it, as many as the tables have")
    made.add_argument("--resamples", type=int, default=2000, help="draws of the bootstrap and of the permutations")
    made.add_argument("--seed", type=int, default=0, help="seed of both")
    made.add_argument("--confidence", type=float, default=0.95, help="of the intervals, between 0 and 1")
    arguments = made.parse_args()
    if not 0 < arguments.confidence < 1 or arguments.resamples < 1 or (arguments.repeats or 1) < 1 or arguments.seed < 0:
        made.error("--confidence lies between 0 and 1, --resamples and --repeats are at least 1, --seed is at least 0")
    from unicedit.scoring.report import write_statistics

    found = write_statistics(arguments.judged, arguments.out, arguments.repeats, arguments.resamples, arguments.seed, arguments.confidence)
    print(
        f"{len(found.means)} means, {len(found.neighbours)} comparisons, {sum(one.n for one in found.failures)} failed judgements in {arguments.out}"
    )


if __name__ == "__main__":
    run(main)
