"""Verdicts on anyone's own pairs, under the resumable map: a killed run goes on where it was."""

import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from unicedit.config.map import MapSettings
from unicedit.config.verify import VerifySettings
from unicedit.files import digest_of
from unicedit.map.run import Places, run_map
from unicedit.map.stage import Batch, Compute, Item, Row, RowError, Stage
from unicedit.recipe import recipe_of
from unicedit.schema import VERIFY
from unicedit.sidecar import Identity
from unicedit.verifier.reader import Pair
from unicedit.verify.decide import decided
from unicedit.verify.engines import models_of
from unicedit.verify.pairs import Entry, load_pair, read_pairs, write_verdicts
from unicedit.verify.trained import TrainedVerifier

log = logging.getLogger(__name__)
VERDICTS = pa.schema([VERIFY.field("key"), ("instruction_en", pa.string()), ("instruction_cn", pa.string()), *list(VERIFY)[1:]])


class PairsStage(Stage):
    """A verdict a pair, with the columns of the verify stage and the instruction that was given."""

    name = "pairs"
    schema = VERDICTS

    def __init__(self, entries: Sequence[Entry], settings: VerifySettings, base: Path | None) -> None:
        self.entries = {entry.key: entry for entry in entries}
        self.settings = settings
        self.base = str(base) if base else None
        self.batch_size = settings.batch_size
        self.decision = digest_of(settings.transformers.threshold)

    def items(self) -> Iterator[Item]:
        models = models_of(self.settings.transformers, None, self.base)
        decides = self.settings.transformers.model_dump(mode="json", include={"max_new_tokens", "dtype", "blind_weight"})
        recipe = recipe_of("verify", {"attempts": self.settings.attempts, **decides}, ["unicedit.verify.trained"])
        for key, entry in self.entries.items():
            row = {"instruction_en": entry.instruction_en or None, "instruction_cn": entry.instruction_cn or None}
            yield Item(key, digest_of(entry.digest, *models), recipe, row)

    def load(self, items: Sequence[Item]) -> Sequence[Pair | RowError]:
        return [self._loaded(self.entries[item.key]) for item in items]

    def _loaded(self, entry: Entry) -> Pair | RowError:
        try:
            return Pair(entry.key, *load_pair(entry), entry.instruction)
        except RowError as error:
            return error

    def open(self) -> Compute:
        verifier = TrainedVerifier(self.settings.transformers, self.settings.attempts, base=self.base)
        started, done, told = time.monotonic(), 0, 0.0

        def compute(batch: Batch) -> list[list[Row] | RowError]:
            nonlocal done, told
            verdicts = verifier.verdicts([pair for _, pair in batch])
            done += len(batch)
            if (now := time.monotonic()) - told >= 10:
                told = now
                log.info("%d of %d pairs read, %.1f a second", done, len(self.entries), done / (now - started))
            return [verdict if isinstance(verdict, RowError) else [verdict] for verdict in verdicts]

        return compute

    def decide(self, table: pa.Table) -> pa.Table:
        return decided(table, "transformers", self.settings.transformers.threshold)


def verify_pairs(pairs: Path, out: Path, settings: VerifySettings, base: Path | None = None) -> dict[str, int]:
    """Write a verdict on each pair to ``out``; what was read stays in the folder ``<out>.work`` beside it, so that a further run reads only what is new.
    Returns rows by status.
    """
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    stage = PairsStage(read_pairs(pairs), settings, base)
    work = out.with_name(f"{out.name}.work")
    table = work / "results" / "pairs" / "pairs.parquet"
    places = Places.of(table, table.with_suffix(".json"), work / "scratch", "pairs", "pairs")
    run_map(stage, places, Identity("pairs", "pairs", "", "{}"), MapSettings())
    write_verdicts(table, out)
    status = pq.read_table(table, columns=["status"])["status"]
    return {name: int(pc.sum(pc.equal(status, name)).as_py() or 0) for name in ("ok", "rejected", "failed")}
