"""What strangers' readers get of a release, as JSON: run in an environment that holds them and nothing of this project."""

import json
import sys
from pathlib import Path
from typing import Any

import datasets
import mlcroissant
import webdataset


def main(folder: Path, cache: str) -> None:
    loaded = datasets.load_dataset(str(folder), split="train", cache_dir=cache)
    streamed = list(datasets.load_dataset(str(folder), split="train", streaming=True))
    described = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    tars = [str(path) for path in sorted((folder / "webdataset").glob("*.tar"))]
    samples = list(webdataset.WebDataset(tars, shardshuffle=False).decode("pil"))
    records = list(described.records("default"))
    found = {
        "project": any("unicedit" in name for name in sys.modules),
        "datasets": [row["key"] for row in loaded],
        "streamed": [row["key"] for row in streamed],
        "croissant": [record["default/key"].decode() for record in records],
        "webdataset": [sample["json"]["key"] for sample in samples],
        "sizes": [
            len({row["src_image"].size, row["edit_image"].size, record["default/edit_image"].size, _edited(sample).size})
            for row, record, sample in zip(loaded, records, samples, strict=True)
        ],
        "faults": [str(one) for one in described.metadata.ctx.issues.errors],
    }
    print(json.dumps(found))


def _edited(sample: dict[str, Any]) -> Any:
    return next(value for name, value in sample.items() if name.startswith("edit."))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
