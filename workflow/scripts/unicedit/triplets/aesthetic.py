"""The aesthetic stage: scores of both pictures of every triplet of a sample (paper, Table 2)."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from PIL import Image

from unicedit.config.prefilter import AestheticSettings
from unicedit.files import digest_of, sha256_of_file
from unicedit.ingest.decode import decode
from unicedit.lookup import rows
from unicedit.map.stage import Batch, Compute, Item, Row, RowError, Stage
from unicedit.schema import OK, REJECTED, VERIFY
from unicedit.sources import KeyedTable
from unicedit.triplets.limits import Limits
from unicedit.verifier.identity import model_digest

Pair = tuple[Image.Image, Image.Image]
Score = Callable[[Sequence[Image.Image]], list[dict[str, float]]]
PICTURES = ("source_image", "edit_image")

AESTHETICS = pa.schema(
    [
        ("item", pa.string()),  # the triplet's position among the draws
        ("dataset", pa.string()),
        ("position", pa.int64()),
        ("place", pa.string()),  # file::row in the dataset
        ("aesthetic_source", pa.float64()),  # about 1 to 10; null unless ok
        ("aesthetic_edited", pa.float64()),
        *[VERIFY.field(name) for name in ("status", "reason", "recipe", "inputs")],
    ]
)


class AestheticStage(Stage):
    """Aesthetic scores. A triplet that could not be read has a failed row; rejected rows were replaced and have none."""

    name = "triplet_aesthetic"
    schema = AESTHETICS
    item_column = "item"

    def __init__(self, sample: Path, settings: AestheticSettings, recipe: str) -> None:
        self.sample = KeyedTable(sample, "place")
        self.settings = settings
        self.recipe = recipe

    def items(self) -> Iterator[Item]:
        """One item a triplet; its inputs are the pictures and the predictor's weights."""
        head = Path(self.settings.head)
        weights = [model_digest(self.settings.model, self.settings.revision), sha256_of_file(head) if head.is_file() else ""]
        for row in rows(self.sample.path, ["dataset", "position", "place", "source_digest", "edit_digest", "status", "reason"]):
            if row["status"] != REJECTED:
                inputs = digest_of(row["source_digest"], row["edit_digest"], row["status"], row["reason"], *weights)
                yield Item(str(row["position"]), inputs, self.recipe, {name: row[name] for name in ("dataset", "position", "place")})

    def load(self, items: Sequence[Item]) -> Sequence[Pair | RowError]:
        """Both pictures of each triplet."""
        found = self.sample.get([item.row["place"] for item in items], *PICTURES, "status", "reason")
        return [_pair(row) for row in found]

    def open(self) -> Compute:
        """The function that scores a batch."""
        from unicedit.scorers.aesthetic import AestheticScorer

        score = AestheticScorer(self.settings).score
        return lambda batch: self.compute(score, batch)

    def compute(self, score: Score, batch: Batch) -> list[list[Row]]:
        """A row a triplet; all pictures go to the scorer at once."""
        scores = [one["aesthetic"] for one in score([picture for _, pair in batch for picture in pair])]
        return [[{"aesthetic_source": scores[2 * number], "aesthetic_edited": scores[2 * number + 1]}] for number in range(len(batch))]


def _pair(row: Row) -> Pair | RowError:
    if row["status"] != OK:
        return RowError(f"triplet: {row['reason']}")
    limits = Limits()
    try:
        source, edited = (decode(row[name], limits.max_file_mb, limits.max_megapixels).image for name in PICTURES)
    except RowError as error:
        return error
    return source, edited
