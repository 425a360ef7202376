"""Choose the learning rate of one trained row of Table 5 on the validation split, or print the settings of a training that uses it."""

import json
import sys
from pathlib import Path

from unicedit.command import parser, run


def main() -> None:
    made = parser(str(__doc__))
    made.add_argument(
        "--evaluations",
        type=Path,
        nargs="*",
        default=[],
        help="evaluations of the trials on the validation split, in the order of the factors",
    )
    made.add_argument("--factors", type=float, nargs="*", default=[], help="the factors of the learning rate that they tried")
    made.add_argument("--out", type=Path, help="JSON to write: the factor that did best")
    made.add_argument("--chosen", type=Path, help="such a JSON: print --settings with the learning rate multiplied by its factor")
    made.add_argument("--settings", metavar="JSON", help="settings of a training")
    arguments = made.parse_args()
    if arguments.chosen:
        from unicedit.evaluation.variants import with_rate
        from unicedit.files import read_json

        print(json.dumps(with_rate(json.loads(arguments.settings), read_json(arguments.chosen)["factor"])))
        return
    if not arguments.evaluations or arguments.out is None:
        sys.exit("error: name --evaluations, --factors and --out, or --chosen and --settings")
    from unicedit.evaluation.tuning import tune

    tune(arguments.evaluations, arguments.factors, arguments.out)


if __name__ == "__main__":
    run(main)
