"""The training data: all parts' samples joined, what people rejected left out, what they corrected put in."""

import csv
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from unicedit.files import appearing_whole
from unicedit.map.stage import Row
from unicedit.parquet import writer
from unicedit.review.decision import REJECT, decided, read_reviews
from unicedit.schema import OK
from unicedit.sidecar import Identity, reason_class, seal
from unicedit.training.review import Review, corrected, shown_digest
from unicedit.training.schema import FILES, SAMPLES

log = logging.getLogger(__name__)

ROW_GROUP_ROWS = 64
DROPPED = ("key", "file", "kind", "status", "reason")
COLUMNS = ("file", "kind", "subtask", "status", "reason", "review", "n")
Place = tuple[str, str, str, str, str, str]  # all but the last


@dataclass
class Count:
    """Every sample of every part, by where it went and what people said of it."""

    places: Counter[Place] = field(default_factory=Counter)
    applied: int = 0  # reviews that counted
    stale: int = 0  # reviews of a sample that has changed since
    absent: int = 0  # reviews of samples that are not in the parts
    dropped: list[tuple[str, ...]] = field(default_factory=list)  # key, file, kind, status, reason

    def status(self) -> dict[str, int]:
        """Samples by status."""
        found = {"ok": 0, "rejected": 0, "failed": 0}
        for (_, _, _, status, _, _), number in self.places.items():
            found[status] += number
        return found

    def reasons(self) -> dict[str, int]:
        """Samples that are not used, by the class of the reason."""
        found: Counter[str] = Counter()
        for (_, _, _, status, reason, _), number in self.places.items():
            if status != OK:
                found[reason] += number
        return dict(found)


def file_of(row: Row) -> str:
    """The file a sample belongs to: its purpose in training, else its split."""
    return str(row["purpose"] or row["split"])


def join(parts: Sequence[Path], review: Path | None, folder: Path) -> Count:
    """Write ``{sft,d2po,validation,test}.parquet``, ``census.csv`` and ``dropped.csv`` (every sample that is not used) into ``folder``; returns what became of every sample.

    Memory holds one row group of each file. Raises ``ReviewError`` for a review file that cannot be read, or a correction that does not fit.
    """
    reviews = _by_key(read_reviews(review, Review) if review else [])
    count = Count()
    seen: set[str] = set()
    with ExitStack() as stack:
        outs = {}
        for name in FILES:
            temporary = stack.enter_context(appearing_whole(folder / f"{name}.parquet"))
            outs[name] = _Out(stack.enter_context(writer(temporary, SAMPLES)))
        for part in parts:
            with pq.ParquetFile(part) as file:
                for batch in file.iter_batches(batch_size=ROW_GROUP_ROWS):
                    for row in batch.to_pylist():
                        if row["key"] in seen:
                            raise ValueError(f"{part}: sample {row['key']} is there more than once")
                        seen.add(row["key"])
                        kept = _settled(row, reviews.get(row["key"], []), count)
                        if kept is not None:
                            outs[file_of(row)].add(kept)
        for out in outs.values():
            out.flush()
    count.absent = sum(len(found) for key, found in reviews.items() if key not in seen)
    if count.stale or count.absent:
        log.warning("%d reviews are of samples that have changed since, %d of samples that are not in this run", count.stale, count.absent)
    rows = ([*place, count.places[place]] for place in sorted(count.places, key=lambda one: (FILES.index(one[0]), one[1:])))
    _write_csv(folder / "census.csv", COLUMNS, rows)
    _write_csv(folder / "dropped.csv", DROPPED, count.dropped)
    return count


def seal_files(verifier: Path, parts: Sequence[Path], sidecar: Path, count: Count, code: str, settings: str) -> None:
    """Write ``data/files.csv`` (file, rows, SHA-256), a sidecar for each file, and the gather's own over all of them.

    What trains on one file depends on that file's sidecar, so that a review of test samples trains nothing again.
    """
    inputs = tuple(part.with_suffix(".json") for part in parts)
    rows = []
    for name in FILES:
        path = verifier / "data" / f"{name}.parquet"
        number = pq.read_metadata(path).num_rows
        status = {"ok": number, "rejected": 0, "failed": 0}
        identity = Identity("training_data", name, code, settings, inputs)
        value = seal(path, verifier / "sidecars" / f"{name}.json", identity, rows=number, rows_in=number, status=status, reasons={})
        rows.append((path.name, number, value["sha256"]))
    files = verifier / "data" / "files.csv"
    _write_csv(files, ("file", "rows", "sha256"), rows)
    status = count.status()
    total = sum(status.values())
    reviews = {"applied": count.applied, "stale": count.stale, "absent": count.absent}
    identity = Identity("training_data", "all", code, settings, inputs)
    seal(files, sidecar, identity, rows=total, rows_in=total, status=status, reasons=count.reasons(), reviews=reviews)


def _by_key(reviews: Sequence[Review]) -> dict[str, list[Review]]:
    found: dict[str, list[Review]] = {}
    for review in reviews:
        found.setdefault(review.key, []).append(review)
    return found


def _settled(row: Row, reviews: Sequence[Review], count: Count) -> Row | None:
    """The row as it is trained on, or None; counted either way."""
    status, reason, said = row["status"], row["reason"] or "", "unseen"
    kept: Row | None = row
    if reviews:
        shown = shown_digest(row)
        fresh = [review for review in reviews if review.shown == shown]
        count.stale += len(reviews) - len(fresh)
        said = "stale" if not fresh else said
        for review in decided(fresh).values():
            count.applied += 1
            said = f"{review.decision}ed"
            if review.decision == REJECT and status == OK:
                status, reason = "rejected", f"reviewer: {review.reviewer}: {review.reason or 'no reason given'}"
            elif status == OK:
                kept = corrected(row, review)
    count.places[file_of(row), row["kind"], row["subtask"] or "", status, reason_class(reason), said] += 1
    if status == OK:
        return kept
    count.dropped.append((row["key"], file_of(row), row["kind"], status, reason))
    return None


class _Out:
    """A file that is written one row group at a time."""

    def __init__(self, opened: pq.ParquetWriter) -> None:
        self.opened = opened
        self.waiting: list[dict[str, Any]] = []

    def add(self, row: Row) -> None:
        self.waiting.append(row)
        if len(self.waiting) == ROW_GROUP_ROWS:
            self.flush()

    def flush(self) -> None:
        if self.waiting:
            self.opened.write_table(pa.Table.from_pylist(self.waiting, schema=SAMPLES), row_group_size=ROW_GROUP_ROWS)
            self.waiting.clear()


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with appearing_whole(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(columns)
        out.writerows(rows)
