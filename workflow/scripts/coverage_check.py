"""Infer from printed means of whole scores of how many samples they can be, and whether that is as many as expected."""

from pathlib import Path

from unicedit.command import parser, run


def main() -> None:
    made = parser(str(__doc__))
    made.add_argument(
        "--table", type=Path, required=True, help="printed means, CSV: model,language,if,nc,vq,ra, with the decimals as printed"
    )
    made.add_argument("--out", type=Path, required=True, help="CSV to write: model,language,metric_group,expected,possible_n")
    made.add_argument("--expected", type=int, default=1100, help="samples of the benchmark")
    made.add_argument("--expected-reasoning", type=int, default=250, help="samples that have reasoning points: those of the metric ra")
    arguments = made.parse_args()
    if min(arguments.expected, arguments.expected_reasoning) < 1:
        made.error("--expected and --expected-reasoning are at least 1")
    from unicedit.scoring.coverage import coverage_check

    found = coverage_check(arguments.table, arguments.out, arguments.expected, arguments.expected_reasoning)
    for one in found:
        if not one.complete:
            possible = f"at most {one.possible[-1]}" if one.possible else "no common number"
            print(f"{one.model}, {one.language}, {one.metric_group}: not of {one.expected} samples; {possible} is possible")
    print(
        f"{sum(one.complete for one in found)} of {len(found)} groups of means are compatible with every sample; all possible numbers in {arguments.out}"
    )


if __name__ == "__main__":
    run(main)
