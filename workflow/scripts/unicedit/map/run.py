"""Run a stage over a shard: resume, compute, journal, seal (design sections 4 and 5)."""

import logging
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from unicedit.config.map import MapSettings
from unicedit.files import appearing_whole, read_json, write_json
from unicedit.map.compute import EngineError, UnexpectedError, ahead, computed
from unicedit.map.finish import finished as finished_rows
from unicedit.map.finished import Finished
from unicedit.map.journal import Journal
from unicedit.map.lease import Lease
from unicedit.map.progress import Progress
from unicedit.map.stage import Item, Row, RowError, Stage
from unicedit.map.window import Window
from unicedit.parquet import writer
from unicedit.sidecar import Identity, count, seal

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Places:
    """Where a shard's run keeps things: the sealed outputs, the journal, and the last run's sealed file."""

    table: Path
    sidecar: Path
    journal: Path
    progress: Path
    kept: Path  # without suffix: .parquet, .json, .retry
    accepted: Path
    attempts: Path  # log over all attempts

    @classmethod
    def of(cls, table: Path, sidecar: Path, scratch: Path, stage: str, shard: str) -> "Places":
        """The usual places: journal and progress under ``scratch``, the kept file beside the results, on their file system."""
        results = table.parent.parent
        return cls(
            table=table,
            sidecar=sidecar,
            journal=scratch / "journal" / stage / shard,
            progress=scratch / "progress" / stage / f"{shard}.json",
            kept=results / ".kept" / stage / shard,
            accepted=results / ".accepted" / f"{stage}.json",
            attempts=results / "logs" / stage / f"{shard}.attempts.log",
        )

    @property
    def kept_table(self) -> Path:
        return self.kept.with_name(f"{self.kept.name}.parquet")

    @property
    def kept_sidecar(self) -> Path:
        return self.kept.with_name(f"{self.kept.name}.json")

    @property
    def retry(self) -> Path:
        """Its presence says: compute failed rows again (``make retry``)."""
        return self.kept.with_name(f"{self.kept.name}.retry")


def accepted_recipes(path: Path) -> dict[str, set[str]]:
    """Recipes that the user accepted in place of another (``make accept``): new recipe to old ones."""
    if not path.exists():
        return {}
    found: dict[str, set[str]] = {}
    for entry in read_json(path):
        found.setdefault(entry["new"], set()).add(entry["old"])
    return found


def _rows(stage: Stage, item: Item, result: list[Row] | RowError) -> list[Row]:
    mark = {stage.item_column: item.key, "recipe": item.recipe, "inputs": item.inputs}
    if isinstance(result, RowError):
        return [{**item.row, **result.columns, **mark, "status": "failed", "reason": str(result)}]
    if not result:
        raise EngineError(f"{stage.name}: the engine gave no row for {item.key}; every item owes at least one, with a status and a reason")
    return [{"status": "ok", **item.row, **row, **mark} for row in result]


def _compute_missing(
    stage: Stage,
    missing: Sequence[Item],
    journal: Journal,
    progress: Progress,
    settings: MapSettings,
    counts: dict[str, int],
    window: Window,
) -> None:
    unexpected = 0
    with window:
        batches = computed(
            stage,
            missing,
            workers=settings.workers_of(stage.name),
            prefetch=settings.prefetch,
            retries=settings.retries,
            closing=window.closing,
        )
        for items, results in finished_rows(stage, batches):
            rows: list[Row] = []
            for item, result in zip(items, results, strict=True):
                rows += _rows(stage, item, result)
                unexpected += isinstance(result, UnexpectedError)
                counts["failed"] += isinstance(result, RowError)
            journal.append(rows)
            counts["computed"] += len(items)
            window.computed += len(items)
            counts["done"] += len(items)
            progress.update(counts)
            if unexpected == counts["computed"] >= settings.stop_after_failures:
                raise EngineError(f"{stage.name}: the first {unexpected} rows all failed, the last with: {results[-1]}")
        journal.close()
        if window.closing.is_set() and window.computed < len(missing):
            progress.update(counts, force=True)
            window.close()


def _write_table(stage: Stage, items: Sequence[Item], finished: Finished, target: Path) -> tuple[int, dict[str, int], dict[str, int]]:
    """Write the sealed table, one row group at a time; returns rows, and their counts by status and reason."""
    rows = 0
    statuses: list[str | None] = []
    reasons: list[str | None] = []

    def groups() -> Iterator[pa.Table]:
        waiting: list[pa.Table] = []
        have = 0
        for source, start, length in finished.runs(items):
            while length:
                taken = min(length, stage.row_group_rows - have)
                waiting.append(finished.sources[source].slice(start, taken))
                start, length, have = start + taken, length - taken, have + taken
                if have == stage.row_group_rows:
                    yield pa.concat_tables(waiting)
                    waiting, have = [], 0
        if waiting:
            yield pa.concat_tables(waiting)

    with writer(target, stage.schema) as out:
        for group in ahead(groups(), 1):
            # one chunk a row group: the file's bytes must not depend on how the rows were journalled
            decided = (stage.decide(_undecided(group)) if stage.decision else group).combine_chunks()
            out.write_table(decided, row_group_size=stage.row_group_rows)
            rows += decided.num_rows
            statuses += decided["status"].to_pylist()
            reasons += decided["reason"].to_pylist()
    return rows, *count(statuses, reasons)


def _undecided(table: pa.Table) -> pa.Table:
    """Rows as they were measured: a decision of an earlier threshold is taken back."""
    rejected = pc.equal(table["status"], "rejected")
    status = pc.if_else(rejected, "ok", table["status"])
    reason = pc.if_else(rejected, pa.scalar(None, pa.string()), table["reason"])
    schema = table.schema
    table = table.set_column(schema.get_field_index("status"), schema.field("status"), status)
    return table.set_column(schema.get_field_index("reason"), schema.field("reason"), reason)


def _link(source: Path, target: Path) -> None:
    """Put ``source`` at ``target`` too: a hard link where the file system has them, else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.link")
    with suppress(FileNotFoundError):
        temporary.unlink()
    try:
        os.link(source, temporary)
    except OSError:
        shutil.copy2(source, temporary)
    os.replace(temporary, target)


def _whole_reuse(stage: Stage, finished: Finished, items: Sequence[Item], places: Places) -> dict[str, object] | None:
    """The kept sidecar, when the kept file as a whole is what would be written again."""
    runs = list(finished.runs(items))
    if len(runs) != 1 or not places.kept_sidecar.exists():
        return None
    value: dict[str, object] = read_json(places.kept_sidecar)
    source = finished.sources[runs[0][0]]
    if getattr(source, "file", None) is None or runs[0][1:] != (0, value["rows"]) or value.get("decision") != stage.decision:
        return None
    return value


def run_map(stage: Stage, places: Places, identity: Identity, settings: MapSettings) -> Mapping[str, int]:
    """Make the sealed table and sidecar of one shard; returns how many items were computed, resumed, reused and failed.

    What an earlier, killed attempt journalled is not computed again, and a row of the last sealed file with the same recipe and inputs is copied. The file's
    bytes depend only on the rows. Raises ``LeaseHeld`` when another process writes this shard, ``EngineError`` when the engine is unusable.
    """
    window = Window(places.journal / "window.json", f"{stage.name}, shard {identity.shard}")
    try:
        return _run(stage, places, identity, settings, window)
    finally:
        window.leave()


def _run(stage: Stage, places: Places, identity: Identity, settings: MapSettings, window: Window) -> Mapping[str, int]:
    progress = Progress(places.progress, stage.name, identity.shard)
    with Lease(places.journal / "lease.json", settings.lease_seconds) as lease:
        items = list(stage.items())
        wanted = {item.key: item for item in items}
        if len(wanted) != len(items):
            raise EngineError(f"{stage.name}, shard {identity.shard}: {len(items) - len(wanted)} item keys are not unique")
        finished = Finished(stage, wanted)
        reused = finished.add_sealed(
            places.kept_table, places.kept_sidecar, accepted_recipes(places.accepted), retry_failed=places.retry.exists()
        )
        journal = Journal(places.journal, stage.schema, lease, settings.segment_mb << 20, settings.segment_seconds)
        finished.add_journal(journal.segments(), check=True)
        counts = {"computed": 0, "reused": reused, "resumed": len(finished.at) - reused, "failed": 0, "done": len(finished.at)}
        missing = [item for item in items if item.key not in finished]
        progress.update({"total": len(items), **counts}, force=True)
        _compute_missing(stage, missing, journal, progress, settings, counts, window)
        if missing:
            finished.add_journal(journal.own(), check=False)
        lost = [item.key for item in items if item.key not in finished]
        if lost:
            raise RuntimeError(
                f"{stage.name}, shard {identity.shard}: {len(lost)} rows left the journal before the seal, first {lost[0]}; run again"
            )
        places.table.parent.mkdir(parents=True, exist_ok=True)
        whole = _whole_reuse(stage, finished, items, places) if not missing else None
        if whole is not None:
            lease.check()
            _link(places.kept_table, places.table)
            rows, status, reasons = whole["rows"], whole["status"], whole["reasons"]
            sha256 = whole["sha256"]
        else:
            with appearing_whole(places.table) as temporary:
                rows, status, reasons = _write_table(stage, items, finished, temporary)
                lease.check()
            sha256 = None
        value = seal(
            places.table,
            places.sidecar,
            identity,
            rows=rows,  # type: ignore[arg-type]
            rows_in=len(items),
            status=status,  # type: ignore[arg-type]
            reasons=reasons,  # type: ignore[arg-type]
            sha256=sha256,  # type: ignore[arg-type]
            decision=stage.decision,
        )
        _link(places.table, places.kept_table)
        write_json(places.kept_sidecar, value)
        with suppress(FileNotFoundError):
            places.retry.unlink()
        del finished
        for path in journal.segments():
            path.unlink()
        progress.finish({"total": len(items), **counts})
        log.info(
            "%s %s: %d rows; %s",
            stage.name,
            identity.shard,
            value["rows"],
            ", ".join(f"{name} {number}" for name, number in counts.items()),
        )
    return counts
