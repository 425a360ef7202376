"""From the replies to records: what is taken, stored, and told."""

from collections import Counter
from pathlib import Path

import pyarrow as pa

from unicedit.files import appearing_whole
from unicedit.lookup import rows
from unicedit.parquet import writer
from unicedit.propose.plan import ProposePlan
from unicedit.propose.records import FOLDER, write_proposed
from unicedit.propose.schema import PROPOSALS
from unicedit.propose.take import take
from unicedit.schema import STATUSES
from unicedit.tables.proposals import write_tables


def gather(results: Path, asked: Path, plan: ProposePlan, simulated: bool) -> tuple[Path, dict[str, int]]:
    """Write the records, every proposal with what became of it, and the table by sub-task; returns the table of proposals and its rows by status.

    ``asked`` is the table of the stage propose; ``simulated``: its writer is.
    """
    proposals = take(list(rows(asked, PROPOSALS.names)), plan)
    write_proposed(results, proposals)
    table = results / FOLDER / "proposals.parquet"
    with appearing_whole(table) as temporary, writer(temporary, PROPOSALS) as opened:
        for start in range(0, len(proposals), 1000):
            chunk = pa.Table.from_pylist(proposals[start : start + 1000], schema=PROPOSALS)
            opened.write_table(chunk, row_group_size=1000)
    write_tables(results / "tables", proposals, plan, simulated)
    counted = Counter(one["status"] for one in proposals)
    return table, {status: counted[status] for status in STATUSES}
