"""Print the settings of a training of Table 5, with the learning rate that its trials chose."""

import json
from pathlib import Path

from unicedit.command import parser, run


def main() -> None:
    made = parser(str(__doc__))
    made.add_argument("--settings", required=True, metavar="JSON", help="settings of the training")
    made.add_argument("--chosen", type=Path, help="what table5_tune.py wrote; without it, the settings stay as they are")
    arguments = made.parse_args()
    from unicedit.evaluation.variants import with_rate
    from unicedit.files import read_json

    factor = read_json(arguments.chosen)["factor"] if arguments.chosen else 1.0
    print(json.dumps(with_rate(json.loads(arguments.settings), factor), sort_keys=True))


if __name__ == "__main__":
    run(main)
