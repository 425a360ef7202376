"""The instruct stage: one question a picture, several rows a picture."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from unicedit.config.instruct import InstructSettings
from unicedit.files import digest_of
from unicedit.instruct.engine import open_writer
from unicedit.instruct.plan import Plan, Planner
from unicedit.instruct.prompt import prompt
from unicedit.instruct.reply import Entry, normalised, parse_reply, reply_schema
from unicedit.lookup import rows
from unicedit.map.stage import Batch, Compute, Item, Row, RowError, Stage
from unicedit.provenance import Provenance
from unicedit.schema import INSTRUCT, OK, REJECTED
from unicedit.sources import Sources
from unicedit.taxonomy import Taxonomy
from unicedit.vlm.ask import Answer, ask
from unicedit.vlm.engines import NOWHERE, VlmPlaces, weights_of
from unicedit.vlm.port import VlmEngine, VlmReply, VlmRequest
from unicedit.vlm.reply import raw

log = logging.getLogger(__name__)
Picture = tuple[bytes, Provenance]


class InstructStage(Stage):
    """Instructions for the pictures that passed the prefilter.

    A row a slot: ``ok``, or ``rejected`` as ``impossible``, ``duplicate``, ``unanswered`` or ``surplus``. Alternates that were used have
    slots after the planned ones. A picture whose reply never fits has one ``failed`` row, with the picture's key.
    """

    name = "instruct"
    schema = INSTRUCT
    item_column = "image"

    def __init__(
        self, ingest: Path, prefilter: Path, settings: InstructSettings, taxonomy: Taxonomy, recipe: str, places: VlmPlaces = NOWHERE
    ) -> None:
        self.prefilter = prefilter
        self.settings = settings
        self.taxonomy = taxonomy
        self.recipe = recipe
        self.places = places
        self.batch_size = settings.rows_at_once
        self.planner = Planner(settings, taxonomy)
        self.sources = Sources(ingest)

    def items(self) -> Iterator[Item]:
        """One item a picture. Its inputs are the picture, the definitions of the sub-tasks it is asked for, and a local model's weights."""
        for short in self.planner.unreachable():
            log.warning(
                "%s: %.1f%% of the accepted rows are expected, %.1f%% are the target; asking every picture for it is not enough",
                short.subtask,
                100 * short.expected,
                100 * short.target,
            )
        definitions = {name: subtask.model_dump(mode="json") for name, subtask in self.taxonomy.subtasks.items()}
        weights = weights_of(self.settings)
        for row in rows(self.prefilter, ["key"], OK):
            key = row["key"]
            plan = self.planner.plan(key)
            asked = [[definitions[name] for name in names] for names in (plan.asked, plan.alternates)]
            # the row's own key: an answer without rows leaves one failed row, which needs a name too
            yield Item(key=key, inputs=digest_of(self.sources.digest(key), asked, *weights), recipe=self.recipe, row={"key": key})

    def load(self, items: Sequence[Item]) -> Sequence[Picture]:
        """The pictures, with their provenance."""
        return self.sources.pictures([item.key for item in items])

    def open(self) -> Compute:
        """The function that writes a batch's instructions."""
        engine = open_writer(self.settings, self.places)
        return lambda batch: self.compute(engine, batch)

    def compute(self, engine: VlmEngine, batch: Batch) -> list[list[Row] | RowError]:
        """The rows of each picture of a batch."""
        plans = {item.key: self.planner.plan(item.key) for item, _ in batch}
        requests = [self._request(item.key, plans[item.key], picture) for item, picture in batch]
        answers = ask(engine, requests, lambda request, text: parse_reply(text, plans[request.key], self.taxonomy), self.settings.attempts)
        return [
            self._rows(request.key, plans[request.key], answer) if isinstance(answer, Answer) else answer
            for request, answer in zip(requests, answers, strict=True)
        ]

    def _request(self, key: str, plan: Plan, picture: Picture) -> VlmRequest:
        encoded, provenance = picture
        details = {
            "asked": list(plan.asked),
            "alternates": list(plan.alternates),
            "count": plan.count,
            "seed": int(digest_of("instruct", key)[:15], 16),
        }
        return VlmRequest(key, prompt(plan, self.taxonomy), (encoded,), reply_schema(plan), details=details, provenance=provenance)

    def _rows(self, image: str, plan: Plan, answer: Answer[dict[str, Entry]]) -> list[Row]:
        made: list[Row] = []
        seen: dict[str, int] = {}
        spare = 0  # alternates that may still be used
        for slot, subtask in enumerate((*plan.asked, *plan.alternates)):
            alternate = slot >= plan.count
            entry = answer.value.get(subtask)
            if entry is None and alternate:
                continue
            row = self._row(image, slot, subtask, alternate, entry, answer.reply)
            twin = min((seen[text] for text in _texts(row) if text in seen), default=None)
            if row["status"] == OK and alternate and not spare:
                row |= {"status": REJECTED, "reason": "surplus: no impossible sub-task is left to replace"}
            elif row["status"] == OK and twin is not None:
                row |= {"status": REJECTED, "reason": f"duplicate: same as slot {twin}"}
            if row["status"] == OK:
                seen |= dict.fromkeys(_texts(row), slot)
                spare -= alternate
            elif entry is not None and not entry.possible:
                spare += not alternate
            made.append(row)
        return made

    def _row(self, image: str, slot: int, subtask: str, alternate: bool, entry: Entry | None, reply: VlmReply) -> Row:
        row: Row = {
            "key": f"{image}-{slot:02d}",
            "slot": slot,
            "alternate": alternate,
            "task": self.taxonomy.task_of[subtask],
            "subtask": subtask,
            "writer": reply.model,
            "status": OK,
            "reason": None,
        }
        if entry is None:
            return row | {"status": REJECTED, "reason": "unanswered: the reply does not mention it", "raw": raw(reply.text)}
        if not entry.possible:
            return row | {"status": REJECTED, "reason": f"impossible: {entry.needs or 'not said why'}"}
        points = [point for point in entry.reasoning_points if point] if self.taxonomy.reasons(subtask) else []
        return row | {"instruction_en": entry.en, "instruction_cn": entry.cn, "reasoning_points": points}


def _texts(row: Row) -> list[str]:
    """The instruction as it is compared with others, each language by itself."""
    found = [f"{language} {normalised(row[f'instruction_{language}'])}" for language in ("en", "cn") if row.get(f"instruction_{language}")]
    return found
