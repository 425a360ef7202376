"""Train a verifier by supervised fine-tuning: pictures and question in, the true reply out."""

import json

from unicedit.command import run
from unicedit.training.publish import train_and_publish, training_parser


def main() -> None:
    arguments = training_parser(str(__doc__)).parse_args()
    from unicedit.config.sft import SftSettings

    train_and_publish(arguments, SftSettings(**json.loads(arguments.settings).get("sft", {})))


if __name__ == "__main__":
    run(main)
