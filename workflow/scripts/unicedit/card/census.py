"""The census: how many rows each stage let pass, rejected or failed, by task, sub-task, editor and reason."""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from unicedit.files import appearing_whole
from unicedit.schema import OK

STAGES = ("ingest", "prefilter", "instruct", "edit", "verify", "dataset")
DIMENSIONS = ("all", "task", "subtask", "editor")
COLUMNS = ("stage", "dimension", "value", "status", "reason", "n")

Place = tuple[str, str, str, str, str]  # stage, dimension, value, status, reason class


@dataclass
class Census:
    """Counts by place, added shard by shard. ``licences`` counts the dataset's rows by the licence and origin of their source."""

    counts: Counter[Place] = field(default_factory=Counter)
    licences: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add_shard(self, results: Path, shard: str) -> None:
        """Count the tables of a shard. Pictures are not read."""
        for stage in ("ingest", "prefilter"):
            self._add(stage, pq.read_table(results / stage / f"{shard}.parquet", columns=["status", "reason"]))
        instruct = pq.read_table(results / "instruct" / f"{shard}.parquet", columns=["key", "task", "subtask", "status", "reason"])
        self._add("instruct", instruct)
        edit = pq.read_table(results / "edit" / f"{shard}.parquet", columns=["key", "instruction", "editor", "status", "reason"])
        edit = _joined(edit, "instruction", instruct, ("task", "subtask"))
        self._add("edit", edit)
        verify = pq.read_table(results / "verify" / f"{shard}.parquet", columns=["key", "status", "reason"])
        self._add("verify", _joined(verify, "key", edit, ("task", "subtask", "editor")))
        dataset = pq.read_table(
            results / "dataset" / "data" / f"shard-{shard}.parquet", columns=["edit_task", "edit_subtask", "editor", "licence", "origin"]
        )
        for licence, origin in zip(dataset["licence"].to_pylist(), dataset["origin"].to_pylist(), strict=True):
            self.licences[licence or "", origin or ""] += 1
        dataset = dataset.rename_columns({"edit_task": "task", "edit_subtask": "subtask"})
        status = pa.array([OK] * dataset.num_rows, pa.string())
        self._add("dataset", dataset.append_column("status", status).append_column("reason", pa.nulls(dataset.num_rows, pa.string())))

    def _add(self, stage: str, table: pa.Table) -> None:
        reason = pc.replace_substring_regex(pc.fill_null(table["reason"], ""), "(?s):.*", "")
        reason = pc.if_else(pc.equal(table["status"], OK), "", reason)
        for dimension in DIMENSIONS:
            if dimension != "all" and dimension not in table.column_names:
                continue
            value = pa.array([""] * table.num_rows, pa.string()) if dimension == "all" else pc.fill_null(table[dimension], "")
            grouped = pa.table({"value": value, "status": table["status"], "reason": reason}).group_by(["value", "status", "reason"])
            for row in grouped.aggregate([([], "count_all")]).to_pylist():
                self.counts[stage, dimension, row["value"], row["status"], row["reason"]] += row["count_all"]

    def of(self, stage: str, dimension: str = "all", status: str | None = None) -> dict[str, int]:
        """Rows of a stage by value of a dimension, only those with ``status`` where one is given."""
        found: Counter[str] = Counter()
        for (at, by, value, state, _), number in self.counts.items():
            if (at, by) == (stage, dimension) and status in (None, state):
                found[value] += number
        return dict(sorted(found.items()))

    def total(self, stage: str, status: str | None = None) -> int:
        """Rows of a stage, only those with ``status`` where one is given."""
        return sum(self.of(stage, "all", status).values())

    def reasons(self) -> list[tuple[str, str, str, int]]:
        """Stage, status, reason class and rows of all that did not pass, in the order of the stages, the most frequent first."""
        found = [(stage, status, reason, n) for (stage, by, _, status, reason), n in self.counts.items() if by == "all" and status != OK]
        return sorted(found, key=lambda one: (STAGES.index(one[0]), -one[3], one[1:3]))


def _joined(table: pa.Table, on: str, other: pa.Table, columns: Sequence[str]) -> pa.Table:
    """``table`` with ``columns`` of the row of ``other`` whose key its column ``on`` names; null where there is none."""
    at = pc.index_in(table[on], value_set=other["key"])
    for name in columns:
        table = table.append_column(name, other[name].combine_chunks().take(at))
    return table


def take_census(results: Path, shards: Iterable[str]) -> Census:
    """The census over shards; memory holds one shard's light columns."""
    census = Census()
    for shard in shards:
        census.add_shard(results, shard)
    return census


def write_census(census: Census, path: Path) -> None:
    """Write the census in its long form: stage,dimension,value,status,reason,n."""

    def order(place: Place) -> tuple[int, int, str, str, str]:
        return STAGES.index(place[0]), DIMENSIONS.index(place[1]), place[2], place[3], place[4]

    with appearing_whole(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(COLUMNS)
        out.writerows([*place, census.counts[place]] for place in sorted(census.counts, key=order))


def target_shares(subtasks: Sequence[str], shares: Mapping[str, float]) -> dict[str, float]:
    """The share of the accepted rows that each sub-task should have (0 to 1); one that the settings do not name has weight 1."""
    weights = {name: float(shares.get(name, 1.0)) for name in subtasks}
    whole = sum(weights.values())
    return {name: weight / whole if whole else 0.0 for name, weight in weights.items()}
