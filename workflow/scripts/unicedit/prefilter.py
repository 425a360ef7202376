"""Prefilter: scores of a shard's pictures, and which of them go on to be edited (paper section 1)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from unicedit.config.prefilter import PrefilterSettings
from unicedit.files import digest_of
from unicedit.lookup import rows
from unicedit.map.stage import Batch, Compute, Item, Row, RowError, Stage
from unicedit.pictures import decoded
from unicedit.schema import OK, PREFILTER
from unicedit.scorers.port import Scorer, open_scorers
from unicedit.sources import KeyedTable


class PrefilterStage(Stage):
    """One item a picture that ingest found ok. Duplicates are not scored."""

    name = "prefilter"
    schema = PREFILTER
    item_column = "source"

    def __init__(
        self, ingest: Path, duplicates: Path, shard: str, settings: PrefilterSettings, recipe: str, lookalikes: Path | None = None
    ) -> None:
        self.ingest = ingest
        self.duplicates = duplicates
        self.shard = shard
        self.settings = settings
        self.recipe = recipe
        self.batch_size = settings.batch_size
        self.excluded = _excluded(lookalikes, settings.exclude)
        self.decision = digest_of(
            settings.min_quality,
            settings.aesthetic and settings.aesthetic.min_score,
            settings.safety and settings.safety.max_probability,
            *sorted(self.excluded.items()),
        )
        self._pictures = KeyedTable(ingest, "source")

    def items(self) -> Iterator[Item]:
        marks = pq.read_table(
            self.duplicates, columns=["source", "duplicate_of", "kind"], filters=[("shard", "==", self.shard)]
        ).to_pylist()
        repeated = {mark["source"]: (mark["duplicate_of"], mark["kind"]) for mark in marks if mark["duplicate_of"]}
        for row in rows(self.ingest, ["source", "key", "image_digest"], OK):
            of, kind = repeated.get(row["source"], (None, None))
            yield Item(
                row["source"],
                digest_of(row["image_digest"], of, kind),
                self.recipe,
                {"key": row["key"], "duplicate_of": of, "duplicate_kind": kind},
            )

    def load(self, items: Sequence[Item]) -> Sequence[bytes | None]:
        wanted = [item.key for item in items if item.row["duplicate_of"] is None]
        found = dict(zip(wanted, self._pictures.get(wanted, "image"), strict=True))
        return [found[item.key]["image"] if item.key in found else None for item in items]

    def open(self) -> Compute:
        return _Scoring(open_scorers(self.settings))

    def decide(self, table: pa.Table) -> pa.Table:
        light = table.to_pylist()
        for row in light:
            if row["status"] == OK and (reason := self._refusal(row)):
                row["status"], row["reason"] = "rejected", reason
        return pa.Table.from_pylist(light, schema=self.schema)

    def _refusal(self, row: dict[str, Any]) -> str | None:
        settings = self.settings
        if row["duplicate_of"] is not None:
            return f"duplicate: {row['duplicate_kind']} of {row['duplicate_of']}"
        if row["source"] in self.excluded:
            return self.excluded[row["source"]]
        if row["quality"] < settings.min_quality:
            return f"low_quality: {row['quality']:.2f} < {settings.min_quality:g}"
        if settings.aesthetic is not None and row["aesthetic"] < settings.aesthetic.min_score:
            return f"low_aesthetic: {row['aesthetic']:.2f} < {settings.aesthetic.min_score:g}"
        if settings.safety is not None and row["unsafe"] > settings.safety.max_probability:
            return f"unsafe: {row['unsafe']:.2f} > {settings.safety.max_probability:g}"
        return None


def _excluded(lookalikes: Path | None, benchmarks: Sequence[str]) -> dict[str, str]:
    """Why a picture must not be trained on, by its source: what it looks like first. None where nothing is excluded."""
    found: dict[str, str] = {}
    if lookalikes is not None:
        for row in rows(lookalikes, ["source", "benchmark", "samples", "how"], OK):
            if row["benchmark"] in benchmarks:
                found.setdefault(row["source"], f"benchmark: {row['how']} of {row['benchmark']}/{row['samples'][0]}")
    return found


class _Scoring:
    def __init__(self, scorers: Sequence[Scorer]) -> None:
        self.scorers = scorers

    def __call__(self, batch: Batch) -> list[list[Row] | RowError]:
        images = [decoded(content) for _, content in batch if content is not None]
        scored: list[Row] = [{} for _ in images]
        for scorer in self.scorers:
            for row, columns in zip(scored, scorer.score(images), strict=True):
                row.update(columns)
        ready = iter(scored)
        return [[next(ready) if content is not None else {}] for _, content in batch]
