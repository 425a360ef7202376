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
from unicedit.schema import OK, VERIFY
from unicedit.sources import KeyedTable, Sources
from unicedit.verify.decide import decided
from unicedit.verify.engines import models_of, open_verifier
from unicedit.verify.port import Case, Verifier
from unicedit.vlm.engines import NOWHERE, VlmPlaces, weights_of

_TEXTS = ("instruction_en", "instruction_cn")


class VerifyStage(Stage):
    """Verdicts on the edits that are ``ok``: ``rejected`` as ``no_change`` where no valid edit took place.

    A simulated verifier gives the verdict itself. For one that measures (``ssim``), and for a trained one, whose reply has a margin, a threshold
    decides afterwards, so that moving it computes nothing again. ``trained`` and ``base`` are the folders of the verifier trained in this run and of
    the model it began with; the settings may name others.
    """

    name = "verify"
    schema = VERIFY

    def __init__(
        self,
        ingest: Path,
        instruct: Path,
        edit: Path,
        settings: VerifySettings,
        editors: EditSettings,
        recipe: str,
        trained: Path | None = None,
        base: Path | None = None,
        places: VlmPlaces = NOWHERE,
    ) -> None:
        self.places = places
        self.edit = edit
        self.settings = settings
        self.editors = editors
        self.recipe = recipe
        self.batch_size, self.batches_at_once = settings.rows_at_once, settings.batches_at_once
        self.trained = str(trained) if trained else None
        self.base = str(base) if base else None
        self.threshold = {"ssim": settings.ssim.threshold, "transformers": settings.transformers.threshold}.get(settings.engine)
        self.decision = digest_of(self.threshold) if self.threshold is not None else ""
        self.sources = Sources(ingest)
        self.instructions = KeyedTable(instruct)
        self.edits = KeyedTable(edit)

    def items(self) -> Iterator[Item]:
        """One item an edit. Its inputs are those of the edit (source picture, instruction, editor, seed), the edited picture, and the weights of the
        models that read.
        """
        reads = self.settings.engine == "transformers"
        models = models_of(self.settings.transformers, self.trained, self.base) if reads else weights_of(self.settings)
        for row in rows(self.edit, ["key", "inputs", "edit_digest"], OK):
            yield Item(key=row["key"], inputs=digest_of(row["inputs"], row["edit_digest"], *models), recipe=self.recipe)

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
        verifier = open_verifier(self.settings, self.editors, self.trained, self.base, self.places)
        return lambda batch: self.compute(verifier, batch)

    def compute(self, verifier: Verifier, batch: Batch) -> list[list[Row] | RowError]:
        """The row of each edit; the verifier gets the whole batch in one call."""
        verdicts = verifier.verify([case for _, case in batch])
        if len(verdicts) != len(batch):
            raise RuntimeError(f"the verifier gave {len(verdicts)} verdicts on {len(batch)} edits")
        return [verdict if isinstance(verdict, RowError) else [verdict] for verdict in verdicts]

    def decide(self, table: pa.Table) -> pa.Table:
        """Set ``is_changed``, ``status`` and ``reason`` of rows with a score."""
        engine = self.settings.engine
        if self.threshold is None or engine not in ("ssim", "transformers"):
            return table
        return decided(table, engine, self.threshold)
