"""Asking a writer for instructions, one question a picture, several rows a picture: what every stage that has instructions written shares."""

from abc import abstractmethod
from typing import Any

from unicedit.config.instruct import InstructSettings
from unicedit.files import digest_of
from unicedit.instruct.engine import open_writer
from unicedit.instruct.plan import Plan
from unicedit.instruct.reply import Entry, normalised, parse_reply, reply_schema
from unicedit.map.stage import Batch, Compute, Item, Row, RowError, Stage
from unicedit.provenance import Provenance
from unicedit.schema import OK, REJECTED
from unicedit.taxonomy import Taxonomy
from unicedit.vlm.ask import Answer, ask
from unicedit.vlm.engines import NOWHERE, VlmPlaces, weights_of
from unicedit.vlm.port import VlmEngine, VlmReply, VlmRequest
from unicedit.vlm.reply import raw

Picture = tuple[bytes, Provenance]


class Writing(Stage):
    """Instructions for pictures, each by its own plan.

    A row a slot: ``ok``, or ``rejected`` as ``impossible``, ``duplicate``, ``unanswered`` or ``surplus``. Alternates that were used have
    slots after the planned ones. A picture whose reply never fits has one ``failed`` row, with the picture's key.
    """

    item_column = "image"

    def __init__(self, settings: InstructSettings, taxonomy: Taxonomy, recipe: str, places: VlmPlaces = NOWHERE) -> None:
        self.settings = settings
        self.taxonomy = taxonomy
        self.recipe = recipe
        self.places = places
        self.batch_size, self.batches_at_once = settings.rows_at_once, settings.batches_at_once
        self._weights = weights_of(settings)

    @abstractmethod
    def plan(self, key: str) -> Plan:
        """What the picture with that key is asked for."""

    @abstractmethod
    def question(self, plan: Plan) -> str:
        """The prompt for a plan."""

    def answer(self, text: str, plan: Plan) -> dict[str, Entry]:
        """The entries of a reply by sub-task. Raises ``ReplyError`` for one that does not fit."""
        return parse_reply(text, plan, self.taxonomy)

    def item(self, key: str, digest: str, **columns: Any) -> Item:
        """A picture as an item. Its inputs are the stored picture (by its digest), the definitions of the sub-tasks it is asked for, and a local model's weights."""
        plan = self.plan(key)
        asked = [[self.taxonomy.subtasks[name].model_dump(mode="json") for name in names] for names in (plan.asked, plan.alternates)]
        # the row's own key: an answer without rows leaves one failed row, which needs a name too
        return Item(key=key, inputs=digest_of(digest, asked, *self._weights), recipe=self.recipe, row={"key": key, **columns})

    def open(self) -> Compute:
        engine = open_writer(self.settings, self.places)
        return lambda batch: self.compute(engine, batch)

    def compute(self, engine: VlmEngine, batch: Batch) -> list[list[Row] | RowError]:
        """The rows of each picture of a batch."""
        plans = {item.key: self.plan(item.key) for item, _ in batch}
        requests = [self._request(item.key, plans[item.key], picture) for item, picture in batch]
        answers = ask(engine, requests, lambda request, text: self.answer(text, plans[request.key]), self.settings.attempts)
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
            "seed": int(digest_of(self.name, key)[:15], 16),
        }
        return VlmRequest(key, self.question(plan), (encoded,), reply_schema(plan), details=details, provenance=provenance)

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
