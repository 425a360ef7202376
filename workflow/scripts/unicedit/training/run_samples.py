"""Samples of a run's own edits, with a teacher's answers: the verify table of a larger verifier over the same edits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unicedit.config.samples import SamplesSettings
from unicedit.files import digest_of
from unicedit.lookup import rows
from unicedit.map.stage import Batch, Compute, Item, Row, RowError
from unicedit.pictures import decoded, encoded
from unicedit.provenance import Provenance
from unicedit.schema import FAILED, OK, REJECTED
from unicedit.sources import KeyedTable, Sources
from unicedit.training.disturb import disturbed, drawn
from unicedit.training.hallucinate import GoodEdit, hallucinate, open_writer
from unicedit.training.kinds import Told, texts
from unicedit.training.schema import D2PO, FAILED_EDIT, HALLUCINATION, NO_EDIT, NORMAL, SFT, TRAIN
from unicedit.training.splits import Groups, purpose_of, split_of
from unicedit.vlm.port import VlmEngine
from unicedit.world.chance import chance

_VERDICT = ("key", "status", "is_changed", "prompt_en", "prompt_cn", "source_caption", "edit_caption", "differences")


@dataclass(frozen=True, slots=True)
class Tables:
    """A shard's tables: of the run, of the teacher, and the duplicates table of the shard's generation."""

    ingest: Path
    instruct: Path
    edit: Path
    teacher: Path
    duplicates: Path


@dataclass(frozen=True, slots=True)
class Material:
    """What a sample is made of."""

    source: bytes
    edit: bytes
    provenance: Provenance
    asked: tuple[str, str]


class RunSamples:
    """One sample an edit that was drawn.

    A kind is drawn for each; an edit that the teacher calls invalid cannot serve as Normal or Hallucination, so it becomes No Edit where the teacher saw no difference, and
    else a failed edit (``rejected`` as ``failed_edit`` where the settings leave those out). A No Edit that was drawn for a valid edit is the source and itself, disturbed.
    """

    def __init__(self, tables: Tables, settings: SamplesSettings, recipe: str) -> None:
        self.tables = tables
        self.settings = settings
        self.recipe = recipe
        self.sources = Sources(tables.ingest)
        self.instructions = KeyedTable(tables.instruct)
        self.edits = KeyedTable(tables.edit)
        self.verdicts: dict[str, Row] = {}

    def items(self) -> Iterator[Item]:
        """One item an edit that was drawn, in the order of the run. Its inputs: the edit's, its picture, the verdict, what was drawn for it."""
        self.verdicts = {row["key"]: row for row in rows(self.tables.teacher, _VERDICT)}
        groups = Groups(self.tables.duplicates)
        run, seed = self.settings.run, self.settings.seed
        for row in rows(self.tables.edit, ["key", "instruction", "image", "inputs", "edit_digest"], OK):
            key = row["key"]
            if chance("sample share", seed, key).random() >= run.share:
                continue
            group = groups.of(row["image"])
            split = split_of(group, run, seed)
            purpose = purpose_of(group, run, seed) if split == TRAIN else None
            kind, disturbance, measures = self._drawn(key, purpose)
            ((_, provenance),) = self.sources.pictures([row["image"]])
            (text,) = self.instructions.get([row["instruction"]], "subtask")
            light = {"key": key, "group": group, "split": split, "purpose": purpose, "kind": kind, "held_out": False}
            light |= {"source": provenance.source, "subtask": text["subtask"], "disturbance": disturbance}
            about = [self.verdicts.get(key), light, measures, self._wants_mistake(kind, purpose)]
            yield Item(key, digest_of(row["inputs"], row["edit_digest"], about), self.recipe, light)

    def _drawn(self, key: str, purpose: str | None) -> tuple[str, str, tuple[float, ...]]:
        """Kind and disturbance of the sample of an edit."""
        lot = chance("sample kind", self.settings.seed, key)
        shares = self.settings.run.sft_shares if purpose == SFT else self.settings.run.pair_shares
        kinds = (NORMAL, NO_EDIT, HALLUCINATION)
        (kind,) = lot.choices(kinds, [getattr(shares, one) for one in kinds])
        verdict = self.verdicts.get(key, {})
        if verdict.get("is_changed") is False:
            kind = FAILED_EDIT if verdict["differences"] else NO_EDIT
        return (kind, *drawn(self.settings.disturbances, lot))

    def _wants_mistake(self, kind: str, purpose: str | None) -> bool:
        return kind == HALLUCINATION or (kind == NORMAL and purpose == D2PO)

    def load(self, items: Sequence[Item]) -> Sequence[Material]:
        """Both pictures of each edit, and what was asked."""
        edits = self.edits.get([item.key for item in items], "instruction", "image", "edit_image")
        asked = self.instructions.get([edit["instruction"] for edit in edits], "instruction_en", "instruction_cn")
        sources = self.sources.pictures([edit["image"] for edit in edits])
        return [
            Material(source, edit["edit_image"], provenance, (text["instruction_en"], text["instruction_cn"]))
            for edit, text, (source, provenance) in zip(edits, asked, sources, strict=True)
        ]

    def open(self) -> Compute:
        """The function that makes a batch; the writer of mistaken texts is opened with it."""
        writer = open_writer(self.settings.run)
        return lambda batch: self.compute(writer, batch)

    def compute(self, writer: VlmEngine, batch: Batch) -> list[list[Row] | RowError]:
        """The row of each edit; the writer gets all of the batch that needs a mistaken text in one call."""
        good = [
            GoodEdit(item.key, made.source, made.edit, self._restated(item.key), made.provenance)
            for item, made in batch
            if self._unusable(item) is None and self._wants_mistake(item.row["kind"], item.row["purpose"])
        ]
        written = hallucinate(writer, good, self.settings.run.attempts) if good else []
        mistakes = dict(zip((edit.key for edit in good), written, strict=True))
        return [self._row(item, made, mistakes.get(item.key)) for item, made in batch]

    def _unusable(self, item: Item) -> Row | None:
        """Status and reason of an edit that can be no sample."""
        verdict = self.verdicts.get(item.key)
        if verdict is None or verdict["status"] == FAILED or verdict["is_changed"] is None:
            return {"status": REJECTED, "reason": f"no_verdict: {'the teacher failed' if verdict else 'the teacher has no row'}"}
        if not verdict["source_caption"]:
            return {"status": REJECTED, "reason": "no_captions: the teacher measures and does not read"}
        if item.row["kind"] == FAILED_EDIT and not self.settings.run.failed:
            return {"status": REJECTED, "reason": "failed_edit: samples.run.failed is off"}
        return None

    def _restated(self, key: str) -> Told:
        verdict = self.verdicts[key]
        return Told(verdict["prompt_en"], verdict["prompt_cn"], tuple(verdict["differences"]))

    def _row(self, item: Item, made: Material, mistake: tuple[Told, str] | RowError | None) -> list[Row] | RowError:
        unusable = self._unusable(item)
        if unusable is not None:
            return [unusable]
        if isinstance(mistake, RowError):
            return mistake
        kind, verdict = item.row["kind"], self.verdicts[item.key]
        untouched = kind == NO_EDIT and verdict["is_changed"]
        picture = decoded(made.source if untouched else made.edit)
        measures = self._drawn(item.key, item.row["purpose"])[2]
        edit = disturbed(picture, item.row["disturbance"], measures, item.key)
        row: dict[str, Any] = {
            "source_image": made.source,
            "edit_image": encoded(edit, self.settings.encoding),
            "source_caption": verdict["source_caption"],
            "edit_caption": verdict["source_caption"] if untouched else verdict["edit_caption"],
            "writer": mistake[1] if mistake else None,
        }
        claimed = tuple(verdict["differences"]) if untouched else ()
        asked = Told(*made.asked, claimed)
        if kind == NORMAL:
            row |= texts(kind, given=self._restated(item.key), true=self._restated(item.key), mistaken=mistake[0] if mistake else None)
        elif kind == HALLUCINATION and mistake is not None:
            row |= texts(kind, given=mistake[0], true=self._restated(item.key), mistaken=None)
        else:
            row |= texts(kind, given=asked, true=None, mistaken=None, seen=() if kind == NO_EDIT else verdict["differences"])
        return [row]
