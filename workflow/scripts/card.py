"""Write the dataset's card, index and census."""

import json

from unicedit.command import run
from unicedit.gather import gather_parser, seal_gather, sidecars


def main() -> None:
    arguments = gather_parser(str(__doc__)).parse_args()
    from unicedit.card.card import card
    from unicedit.card.readme import Made
    from unicedit.config.dataset import DatasetSettings
    from unicedit.config.edit import EditSettings
    from unicedit.config.instruct import InstructSettings
    from unicedit.config.prefilter import PrefilterSettings
    from unicedit.config.verify import VerifySettings
    from unicedit.index.index import load
    from unicedit.taxonomy import load as load_taxonomy

    values = json.loads(arguments.settings)
    made = Made(
        card=DatasetSettings(**values["dataset"]).card,
        prefilter=PrefilterSettings(**values["prefilter"]),
        instruct=InstructSettings(**values["instruct"]),
        edit=EditSettings(**values["edit"]),
        verify=VerifySettings(**values["verify"]),
        library=values["library"]["kind"],
        trained_on=values.get("trained_on"),
    )
    results, shards = arguments.results, load(arguments.results / "index").shards
    status = card(results, shards, made, load_taxonomy(values["taxonomy"]["path"]))
    inputs = sidecars(results, ("prefilter", "instruct", "edit", "verify", "assemble"), shards)
    seal_gather(arguments, "card", results / "dataset" / "README.md", inputs, status)


if __name__ == "__main__":
    run(main)
