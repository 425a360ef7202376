"""Choose the learning rate of one trained row of Table 5 on the validation split."""

from pathlib import Path

from unicedit.command import parser, run


def main() -> None:
    made = parser(str(__doc__))
    made.add_argument(
        "--evaluations", type=Path, nargs="+", required=True, help="evaluations of the trials on the validation split, in order"
    )
    made.add_argument("--factors", type=float, nargs="+", required=True, help="the factors of the learning rate that they tried")
    made.add_argument("--out", type=Path, required=True, help="JSON to write: the factor that did best, and what each reached")
    arguments = made.parse_args()
    from unicedit.evaluation.tuning import tune

    tune(arguments.evaluations, arguments.factors, arguments.out)


if __name__ == "__main__":
    run(main)
