"""The dataset's index: where each key lies."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from unicedit.files import appearing_whole
from unicedit.parquet import writer
from unicedit.schema import DATASET_INDEX


def write_index(results: Path, shards: Iterable[str]) -> int:
    """Write ``dataset/index.parquet``: a row a dataset row, in the order of the shards, a row group a shard; returns the number of rows."""
    total = 0
    with appearing_whole(results / "dataset" / "index.parquet") as temporary, writer(temporary, DATASET_INDEX) as opened:
        for shard in shards:
            table = pq.read_table(
                results / "dataset" / "data" / f"shard-{shard}.parquet", columns=["key", "edit_task", "edit_subtask", "editor"]
            )
            table = table.append_column("shard", pa.array([shard] * table.num_rows, pa.string()))
            table = table.append_column("row", pa.array(range(table.num_rows), pa.int32()))
            if table.num_rows:
                light = table.select(DATASET_INDEX.names).cast(DATASET_INDEX).combine_chunks()
                opened.write_table(light, row_group_size=light.num_rows)
            total += table.num_rows
    return total
