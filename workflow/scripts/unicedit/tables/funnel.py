"""Counting the funnel: what each stage was given and gave, by source image (paper Table 3)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from unicedit.schema import FAILED, OK, REJECTED
from unicedit.tables.interval import Ratio


@dataclass
class Step:
    """One step of the funnel, added up over shards.

    ``expected`` is what came from the step before, ``n`` how many of these have an outcome (passed or rejected), ``volume`` what the step
    gave.
    """

    name: str
    volume: int = 0
    n: int = 0
    expected: int = 0
    rejected: int = 0
    failed: int = 0
    ratio: Ratio = field(default_factory=Ratio)


LIBRARY, DECODED, CROPPED = "Library Images", "Decoded", "Cropped and Resized"
UNIQUE, INITIAL = "Not Duplicates", "Initial Images"
INSTRUCTED, EDITED, FILTERED = "Instruction Generation", "Edit Generation", "Failure Filtering"
RESTATED, FINAL = "Instruction Restating", "Final Data"
STEPS = (LIBRARY, DECODED, CROPPED, UNIQUE, INITIAL, INSTRUCTED, EDITED, FILTERED, RESTATED, FINAL)


@dataclass
class Funnel:
    """All steps, and how many accepted edits had their instruction restated to another text."""

    steps: dict[str, Step] = field(default_factory=lambda: {name: Step(name) for name in STEPS})
    restated: int = 0

    def add_shard(self, results: Path, shard: str) -> None:
        """Count a shard's tables; reads light columns only."""
        ingest = _read(results, "ingest", shard, ["key"])
        prefilter = _read(results, "prefilter", shard, ["key", "duplicate_of"])
        instruct = _read(results, "instruct", shard, ["key", "image", "instruction_en", "instruction_cn"])
        edit = _read(results, "edit", shard, ["key", "instruction", "image"])
        verify = _read(results, "verify", shard, ["key", "prompt_en", "prompt_cn"])
        dataset = pq.read_metadata(results / "dataset" / "data" / f"shard-{shard}.parquet").num_rows
        self._library(ingest, prefilter)
        images = pc.unique(_ok(prefilter)["key"])
        self._instructions(instruct, images)
        accepted = _ok(edit)
        self._pairs(EDITED, edit, edit["image"], _per(_ok(instruct)["image"], images), images)
        image_of = accepted["image"].combine_chunks().take(pc.index_in(verify["key"], value_set=accepted["key"]))
        self._pairs(FILTERED, verify, image_of, _per(accepted["image"], images), images)
        self._restated(_ok(verify), accepted, instruct, dataset)

    def _library(self, ingest: pa.Table, prefilter: pa.Table) -> None:
        rows = ingest.num_rows
        decoded = rows - _count(ingest, FAILED)
        repeated = pc.sum(pc.is_valid(prefilter["duplicate_of"])).as_py() or 0
        stored, unique = _count(ingest, OK), prefilter.num_rows - repeated
        self._singles(LIBRARY, rows, rows, 0, 0)
        self._singles(DECODED, rows, decoded, 0, rows - decoded)
        self._singles(CROPPED, decoded, stored, _count(ingest, REJECTED), 0)
        self._singles(UNIQUE, stored, unique, repeated, stored - prefilter.num_rows)
        single = prefilter.filter(pc.is_null(prefilter["duplicate_of"]))
        self._singles(INITIAL, unique, _count(single, OK), _count(single, REJECTED), _count(single, FAILED))

    def _singles(self, name: str, before: int, after: int, rejected: int, failed: int) -> None:
        """A step from images to images: each is a cluster of its own."""
        step = self.steps[name]
        step.expected += before
        step.volume += after
        step.rejected += rejected
        step.failed += failed
        step.n += before - failed
        kept = np.zeros(before)
        kept[:after] = 1
        step.ratio.add(np.ones(before), kept)

    def _instructions(self, instruct: pa.Table, images: pa.Array) -> None:
        """The step from images to instructions: an image failed when no reply about it fitted, and every one of its rows says so."""
        step = self.steps[INSTRUCTED]
        answered = pc.unique(instruct.filter(pc.not_equal(instruct["status"], FAILED))["image"])
        step.expected += len(images)
        step.n += len(answered)
        step.volume += _count(instruct, OK)
        step.rejected += _count(instruct, REJECTED)
        step.failed += _count(instruct, FAILED)
        step.ratio.add(np.ones(len(images)), _per(_ok(instruct)["image"], images))

    def _pairs(self, name: str, table: pa.Table, image_of: pa.Array, before: NDArray[np.float64], images: pa.Array) -> None:
        """A step from rows to rows, several an image."""
        step = self.steps[name]
        step.expected += int(before.sum())
        step.volume += _count(table, OK)
        step.rejected += _count(table, REJECTED)
        step.failed += _count(table, FAILED)
        step.n += table.num_rows - _count(table, FAILED)
        step.ratio.add(before, _per(pc.filter(image_of, pc.equal(table["status"], OK)), images))

    def _restated(self, verify: pa.Table, edit: pa.Table, instruct: pa.Table, dataset: int) -> None:
        edits = edit["instruction"].combine_chunks().take(pc.index_in(verify["key"], value_set=edit["key"]))
        at = pc.index_in(edits, value_set=instruct["key"])
        differs = pa.array([False] * verify.num_rows, pa.bool_())
        for prompt, original in (("prompt_en", "instruction_en"), ("prompt_cn", "instruction_cn")):
            texts = [
                pc.utf8_trim_whitespace(pc.fill_null(one, "")) for one in (verify[prompt], instruct[original].combine_chunks().take(at))
            ]
            differs = pc.or_(differs, pc.not_equal(*texts))
        self.restated += pc.sum(differs).as_py() or 0
        for name, volume in ((RESTATED, verify.num_rows), (FINAL, dataset)):
            step = self.steps[name]
            step.expected += verify.num_rows
            step.n += volume
            step.volume += volume


def _read(results: Path, stage: str, shard: str, columns: Sequence[str]) -> pa.Table:
    return pq.read_table(results / stage / f"{shard}.parquet", columns=[*columns, "status"])


def _ok(table: pa.Table) -> pa.Table:
    return table.filter(pc.equal(table["status"], OK))


def _count(table: pa.Table, status: str) -> int:
    return pc.sum(pc.equal(table["status"], status)).as_py() or 0


def _per(keys: pa.ChunkedArray | pa.Array, images: pa.Array) -> NDArray[np.float64]:
    """How many of ``keys`` name each of ``images``, (len(images),). Raises ``ValueError`` for one that names none."""
    at = pc.index_in(keys, value_set=images)
    if at.null_count:
        raise ValueError(f"{at.null_count} rows name an image that did not pass the stage before")
    return np.bincount(np.asarray(at, dtype=np.int64), minlength=len(images)).astype(np.float64)


def count_funnel(results: Path, shards: Iterable[str]) -> Funnel:
    """The funnel over shards; memory holds one shard's light columns."""
    funnel = Funnel()
    for shard in shards:
        funnel.add_shard(results, shard)
    return funnel
