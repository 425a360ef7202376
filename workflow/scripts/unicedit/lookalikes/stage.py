"""The lookalikes stage: which pictures of a shard show what a benchmark's picture shows."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from unicedit.config.contamination import ContaminationSettings
from unicedit.files import digest_of
from unicedit.lookalikes.find import References, references_digest
from unicedit.lookalikes.schema import LOOKALIKES
from unicedit.lookup import rows
from unicedit.map.stage import Batch, Compute, Item, Row, RowError, Stage
from unicedit.pictures import decoded
from unicedit.schema import OK
from unicedit.sources import KeyedTable


class LookalikesStage(Stage):
    """One item a picture that ingest found ok; a row for each reference it looks like, or one without."""

    name = "lookalikes"
    schema = LOOKALIKES
    item_column = "source"

    def __init__(self, ingest: Path, references: Path, settings: ContaminationSettings, recipe: str) -> None:
        self.ingest, self.references = ingest, references
        self.settings, self.recipe = settings, recipe
        self.batch_size = settings.batch_size
        self._pictures = KeyedTable(ingest, "source")

    def items(self) -> Iterator[Item]:
        """One item a picture. Its inputs: the stored picture and the references."""
        known = references_digest(self.references)
        for row in rows(self.ingest, ["source", "key", "image_digest"], OK):
            yield Item(row["source"], digest_of(row["key"], row["image_digest"], known), self.recipe, {"key": row["key"]})

    def load(self, items: Sequence[Item]) -> Sequence[bytes]:
        """The stored pictures."""
        return [row["image"] for row in self._pictures.get([item.key for item in items], "image")]

    def open(self) -> Compute:
        """The function that compares a batch."""
        references = References(self.references, self.settings.max_distance, self.settings.min_likeness)
        return lambda batch: self.compute(references, batch)

    def compute(self, references: References, batch: Batch) -> list[list[Row] | RowError]:
        """The rows of each picture."""
        return [[asdict(one) for one in references.of(item.row["key"], decoded(image))] or [{}] for item, image in batch]
