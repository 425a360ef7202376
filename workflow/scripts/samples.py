"""Make one part of the verifier's training samples."""

import json
from pathlib import Path

from unicedit.command import run, run_stage, table_parser


def main() -> None:
    made = table_parser(str(__doc__))
    made.add_argument(
        "--run",
        type=Path,
        nargs="*",
        default=[],
        metavar="TABLE",
        help="source `run`: ingest, instruct, edit, teacher's verify and duplicates table",
    )
    arguments = made.parse_args()
    from unicedit.config.samples import SamplesSettings
    from unicedit.training.open_source import open_source
    from unicedit.training.sample_stage import SampleStage

    values = json.loads(arguments.settings)
    settings = SamplesSettings(**values["samples"])
    source = open_source(arguments.shard, settings, values["size_divisor"], arguments.run)
    run_stage(arguments, SampleStage(source, settings.batch_size))


if __name__ == "__main__":
    run(main)
