"""The lookalikes stage: which pictures of a shard show what a benchmark's picture shows."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from unicedit.config.contamination import ContaminationSettings, EmbeddingSettings
from unicedit.errors import PipelineError
from unicedit.files import digest_of
from unicedit.lookalikes.find import References, references_digest
from unicedit.lookalikes.schema import LOOKALIKES
from unicedit.lookalikes.windows import mirrored
from unicedit.lookup import rows
from unicedit.map.stage import Batch, Compute, Item, Row, RowError, Stage
from unicedit.pictures import decoded
from unicedit.schema import OK
from unicedit.sources import KeyedTable
from unicedit.verifier.identity import model_digest

if TYPE_CHECKING:
    from unicedit.scorers.embedding import Embedder


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
        """One item a picture. Its inputs: the stored picture, the references, and the weights of the model where embeddings are compared."""
        known = references_digest(self.references)
        if self.settings.embedding is not None:
            known = digest_of(known, _weights(self.settings.embedding))
        for row in rows(self.ingest, ["source", "key", "image_digest"], OK):
            yield Item(row["source"], digest_of(row["key"], row["image_digest"], known), self.recipe, {"key": row["key"]})

    def load(self, items: Sequence[Item]) -> Sequence[bytes]:
        """The stored pictures."""
        return [row["image"] for row in self._pictures.get([item.key for item in items], "image")]

    def open(self) -> Compute:
        """The function that compares a batch. Raises ``PipelineError`` where the references were embedded by another model, ``EngineError`` where it is not at hand."""
        references = References(self.references, self.settings.max_distance, self.settings.min_likeness)
        if self.settings.embedding is None:
            return lambda batch: self.compute(references, batch)
        if references.embedders != {_weights(self.settings.embedding)}:
            raise PipelineError(
                f"{self.references}: its pictures were not embedded by the weights that contamination.embedding.model = {self.settings.embedding.model!r} holds now; "
                "remove that file, and run again"
            )
        from unicedit.scorers.embedding import Embedder

        embedder = Embedder(self.settings.embedding)
        return lambda batch: self.compute(references, batch, embedder)

    def compute(self, references: References, batch: Batch, embedder: "Embedder | None" = None) -> list[list[Row] | RowError]:
        """The rows of each picture."""
        images = [decoded(image) for _, image in batch]
        if embedder is None or self.settings.embedding is None:
            found = [references.of(item.row["key"], image) for (item, _), image in zip(batch, images, strict=True)]
        else:
            straight, turned = np.split(embedder.embed([*images, *map(mirrored, images)]), 2)
            least = self.settings.embedding.min_cosine
            found = [
                references.of(item.row["key"], image, own, least)
                for (item, _), image, own in zip(batch, images, references.cosines(straight, turned), strict=True)
            ]
        return [[asdict(one) for one in own] or [{}] for own in found]


def _weights(settings: EmbeddingSettings) -> str:
    return model_digest(settings.model, settings.revision)
