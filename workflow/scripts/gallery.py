"""Write the gallery: a static page over all rows of a run."""

import json

from unicedit.command import run
from unicedit.gather import gather_parser, seal_gather, sidecars


def main() -> None:
    arguments = gather_parser(str(__doc__)).parse_args()
    from unicedit.config.gallery import GallerySettings
    from unicedit.gallery.gallery import gallery
    from unicedit.index.index import load

    values = json.loads(arguments.settings)
    results, shards = arguments.results, load(arguments.results / "index").shards
    status = gallery(results, shards, GallerySettings(**values["gallery"]), values["simulated"])
    inputs = sidecars(results, ("ingest", "prefilter", "instruct", "edit", "verify"), shards)
    seal_gather(arguments, "gallery", results / "gallery" / "index.html", inputs, status)


if __name__ == "__main__":
    run(main)
