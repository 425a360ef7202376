"""Join the verifier's training samples, as people's reviews leave them."""

import json
from pathlib import Path

from unicedit.command import run
from unicedit.gather import gather_parser


def main() -> None:
    arguments = gather_parser(str(__doc__)).parse_args()
    from unicedit.config.samples import SamplesSettings
    from unicedit.index.index import load
    from unicedit.training.parts import part_names
    from unicedit.training.training_data import join, seal_files

    values = json.loads(arguments.settings)
    settings = SamplesSettings(**values["samples"])
    shards = load(arguments.results / "index").shards if settings.source == "run" else []
    parts = [arguments.results / "samples" / f"{name}.parquet" for name in part_names(settings, shards)]
    review = values["review"]
    count = join(parts, Path(review["path"]) if review else None, arguments.results / "verifier" / "data")
    seal_files(arguments.results / "verifier", parts, arguments.seal, count, arguments.code, arguments.settings)


if __name__ == "__main__":
    run(main)
