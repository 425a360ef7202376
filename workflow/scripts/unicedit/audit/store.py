"""The facts of all rows on disk, one Parquet file a file of the dataset: an audit that is killed goes on, and checks read what they need again and again."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from unicedit.audit.facts import FACTS
from unicedit.files import appearing_whole
from unicedit.parquet import writer

GROUP_ROWS = 10_000


class Facts:
    """The facts in these files, in order, and which columns the dataset has: ``languages`` of instructions, sub-tasks (``labelled``), keys (``keyed``)."""

    def __init__(self, files: Sequence[Path], languages: Sequence[str], labelled: bool, keyed: bool) -> None:
        self.files = files
        self.languages = languages
        self.labelled = labelled
        self.keyed = keyed
        self.total = sum(pq.read_metadata(file).num_rows for file in files)

    def rows(self, *columns: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The name of every row (its key, else its place) with these of its facts; memory holds one row group."""
        wanted = list(dict.fromkeys(["key", "place", *columns]))
        for file in self.files:
            with pq.ParquetFile(file) as opened:
                for batch in opened.iter_batches(batch_size=GROUP_ROWS, columns=wanted):
                    for row in batch.to_pylist():
                        yield row["key"] or row["place"], row

    def readable(self, *columns: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """As ``rows``, of the rows that could be read at all (whatever their pictures)."""
        return ((name, row) for name, row in self.rows("fault", *columns) if row["fault"] is None)


def write_facts(facts: Iterable[dict[str, Any]], out: Path) -> None:
    """Write the facts of a file's rows, whole or not at all."""
    with appearing_whole(out) as temporary, writer(temporary, FACTS) as opened:
        coming = iter(facts)
        while group := list(islice(coming, GROUP_ROWS)):
            opened.write_table(pa.Table.from_pylist(group, schema=FACTS), row_group_size=GROUP_ROWS)
