"""The verify stage: a verdict on every edit."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from unicedit.config.edit import EditSettings
from unicedit.config.verify import VerifySettings
from unicedit.files import digest_of
from unicedit.lookup import rows
from unicedit.map.stage import Batch, Compute, Item, Row, RowError, Stage
from unicedit.provenance import EditProvenance
from unicedit.schema import FAILED, OK, REJECTED, VERIFY
from unicedit.sources import KeyedTable, Sources
from unicedit.verify.engines import open_verifier
from unicedit.verify.port import Case, Verifier

_TEXTS = ("instruction_en", "instruction_cn")


class VerifyStage(Stage):
    """Verdicts on the edits that are ``ok``: ``rejected`` as ``no_change`` where no valid edit took place.

    A verifier that reads gives the verdict itself; for one that measures, a threshold decides afterwards, so that moving it measures
    nothing again.
    """

    name = "verify"
    schema = VERIFY

    def __init__(self, ingest: Path, instruct: Path, edit: Path, settings: VerifySettings, editors: EditSettings, recipe: str) -> None:
        self.edit = edit
        self.settings = settings
        self.editors = editors
        self.recipe = recipe
        self.batch_size = settings.batch_size
        self.decision = digest_of(settings.ssim.threshold) if settings.engine == "ssim" else ""
        self.sources = Sources(ingest)
        self.instructions = KeyedTable(instruct)
        self.edits = KeyedTable(edit)

    def items(self) -> Iterator[Item]:
        """One item an edit. Its inputs are those of the edit (source picture, instruction, editor, seed) and the edited picture."""
        for row in rows(self.edit, ["key", "inputs", "edit_digest"], OK):
            yield Item(key=row["key"], inputs=digest_of(row["inputs"], row["edit_digest"]), recipe=self.recipe)

    def load(self, items: Sequence[Item]) -> Sequence[Case]:
        """Both pictures and the instruction of each edit."""
        edits = self.edits.get([item.key for item in items], "instruction", "image", "editor", "seed", "edit_image")
        sources = self.sources.pictures([edit["image"] for edit in edits])
        texts = self.instructions.get([edit["instruction"] for edit in edits], *_TEXTS)
        return [
            Case(
                key=item.key,
                source=source,
                edit=edit["edit_image"],
                instruction_en=text["instruction_en"],
                instruction_cn=text["instruction_cn"],
                provenance=replace(provenance, edit=EditProvenance(edit["editor"], edit["seed"], text["instruction_en"])),
            )
            for item, edit, (source, provenance), text in zip(items, edits, sources, texts, strict=True)
        ]

    def open(self) -> Compute:
        """The function that verifies a batch."""
        verifier = open_verifier(self.settings, self.editors)
        return lambda batch: self.compute(verifier, batch)

    def compute(self, verifier: Verifier, batch: Batch) -> list[list[Row] | RowError]:
        """The row of each edit; the verifier gets the whole batch in one call."""
        verdicts = verifier.verify([case for _, case in batch])
        if len(verdicts) != len(batch):
            raise RuntimeError(f"the verifier gave {len(verdicts)} verdicts on {len(batch)} edits")
        return [verdict if isinstance(verdict, RowError) else [verdict] for verdict in verdicts]

    def decide(self, table: pa.Table) -> pa.Table:
        """Set ``is_changed``, ``status`` and ``reason`` of measured rows: an edit as similar to its source as the threshold, or more, is
        unchanged.
        """
        threshold = self.settings.ssim.threshold
        columns = {name: table[name].to_pylist() for name in ("score", "is_changed", "status", "reason")}
        for row, (score, status) in enumerate(zip(columns["score"], columns["status"], strict=True)):
            if status == FAILED:
                continue
            changed = score < threshold
            columns["is_changed"][row] = changed
            columns["status"][row] = OK if changed else REJECTED
            columns["reason"][row] = None if changed else f"no_change: ssim {score:.4f} >= {threshold:g}"
        for name in ("is_changed", "status", "reason"):
            index = table.schema.get_field_index(name)
            field = table.schema.field(index)
            table = table.set_column(index, field, pa.array(columns[name], field.type))
        return table
