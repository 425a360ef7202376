"""Train a verifier by D2PO: of two replies about a pair of pictures, prefer the true one."""

import json

from unicedit.command import run
from unicedit.training.publish import train_and_publish, training_parser


def main() -> None:
    arguments = training_parser(str(__doc__)).parse_args()
    from unicedit.config.d2po import D2poSettings

    train_and_publish(arguments, D2poSettings(**json.loads(arguments.settings).get("d2po", {})))


if __name__ == "__main__":
    run(main)
