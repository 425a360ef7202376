"""Read the pictures of one shard of the library: decode, check, digest, hash, crop, resize, encode."""

import json
from pathlib import Path

from unicedit.command import run, run_stage, table_parser


def main() -> None:
    made = table_parser(str(__doc__))
    made.add_argument("--manifest", type=Path, required=True, help="the shard's manifest in the index")
    arguments = made.parse_args()
    from unicedit.config.ingest import IngestSettings
    from unicedit.files import read_json
    from unicedit.ingest.stage import IngestStage
    from unicedit.recipes import ingest_recipe

    settings = IngestSettings(**json.loads(arguments.settings)["ingest"])
    manifest = read_json(arguments.manifest)
    run_stage(arguments, IngestStage(manifest, settings, ingest_recipe(settings, manifest["kind"])))


if __name__ == "__main__":
    run(main)
