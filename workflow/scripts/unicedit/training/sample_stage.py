"""The samples stage: the training samples of one part, from the source that the settings name."""

from collections.abc import Iterator, Sequence

from unicedit.map.stage import Compute, Item, Payload, RowError, Stage
from unicedit.training.schema import SAMPLES
from unicedit.training.source import SampleSource


class SampleStage(Stage):
    """Training samples under the resumable map. The part's ``source`` says which they are and makes them."""

    name = "samples"
    schema = SAMPLES
    row_group_rows = 64

    def __init__(self, source: SampleSource, batch_size: int) -> None:
        self.source = source
        self.batch_size = batch_size

    def items(self) -> Iterator[Item]:
        """One item a sample."""
        return self.source.items()

    def load(self, items: Sequence[Item]) -> Sequence[Payload | RowError]:
        """What making the samples needs."""
        return self.source.load(items)

    def open(self) -> Compute:
        """The function that makes a batch of samples."""
        return self.source.open()
