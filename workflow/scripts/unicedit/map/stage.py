"""What a stage supplies to the resumable map, and nothing more."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pyarrow as pa

Row = dict[str, Any]


class RowError(Exception):
    """One row cannot be computed. Its message is the row's ``reason``; ``columns`` are kept in the failed row."""

    def __init__(self, reason: str, **columns: Any) -> None:
        super().__init__(reason)
        self.columns = columns


@dataclass(frozen=True, slots=True)
class Item:
    """One unit of work, known before anything is computed.

    ``key`` is unique in the shard and lands in the stage's ``item_column``; ``inputs`` is a digest of the row's own inputs (pixels, instruction, seed);
    ``recipe`` of what else decides its value (engine, prompt, settings); ``row`` holds light columns that the table keeps even when computing fails.
    """

    key: str
    inputs: str
    recipe: str
    row: Row = field(default_factory=dict)


Payload = Any
Batch = Sequence[tuple[Item, Payload]]
Compute = Callable[[Batch], Sequence[list[Row] | RowError]]


class Stage(ABC):
    """A stage of the pipeline, seen by the map.

    A row's ``status`` is set either by ``compute`` or, for stages with thresholds, by ``decide``; never by both. With ``decide``, compute gives
    ``ok`` (measured) or raises, and thresholds stay out of the recipe, so that moving one recomputes nothing that was measured.
    """

    name: ClassVar[str]
    schema: ClassVar[pa.Schema]
    item_column: ClassVar[str] = "key"
    row_group_rows: ClassVar[int] = 1000
    batch_size: int = 16
    batches_at_once: int = 1  # in the job's own process: several for an engine that waits for a server, which else idles as each batch ends
    decision: str = ""  # digest of the settings `decide` uses; empty: the stage decides in `compute`

    @abstractmethod
    def items(self) -> Iterator[Item]:
        """Yield the shard's items in the order of the table."""

    def load(self, items: Sequence[Item]) -> Sequence[Payload | RowError]:
        """Read what computing needs (pictures), for items that are really computed. Runs in a thread beside the computation, and beside ``open``."""
        return [None] * len(items)

    @abstractmethod
    def open(self) -> Compute:
        """Build the engine, once in each worker, and return the function that computes a batch; with ``batches_at_once`` in as many threads.

        That function gives for each item its rows (one, or several as in instruct), or a ``RowError``. An exception in place of a reply has each item
        tried alone, a bounded number of times, and then recorded as failed.
        """

    def finish(self, rows: list[Row]) -> list[Row] | RowError:
        """What is left to do for the rows of a computed item (encode a picture), where a device that computes should not wait for it.

        Runs in threads of the job's own process beside the computation, whatever process computed the rows.
        """
        return rows

    def decide(self, table: pa.Table) -> pa.Table:
        """Set ``status`` and ``reason`` of measured rows from thresholds. Pure; ``failed`` rows stay as they are."""
        return table

    def reusable(self, table: pa.Table) -> pa.Array | None:
        """A mask of finished rows that may be reused, None for all: a stage that dropped a value with the decision says so here.

        ``table`` holds the sealed columns except pictures; ``status`` is the one decided then.
        """
        return None
