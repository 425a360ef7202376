"""The expect stage: what a right edit of each Reasoning sample shows, as a judge works it out before it sees any edit."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from unicedit.benchmark.schema import RA
from unicedit.config.judge import JudgeSettings
from unicedit.files import digest_of
from unicedit.judge.prompt import expect_prompt, prompt_digests
from unicedit.judge.reader import asked_columns
from unicedit.judge.reply import ExpectReply
from unicedit.judge.schema import EXPECT
from unicedit.lookup import rows
from unicedit.map.stage import Batch, Compute, Item, Row, RowError, Stage
from unicedit.sources import KeyedTable, Sources
from unicedit.vlm.ask import Answer, ask
from unicedit.vlm.engines import NOWHERE, VlmPlaces, open_vlm, weights_of
from unicedit.vlm.port import VlmEngine, VlmRequest
from unicedit.vlm.reply import parse


class ExpectStage(Stage):
    """Asks once a sample; all models are judged by the same answer."""

    name = "expect"
    schema = EXPECT

    def __init__(self, records: Path, language: str, judge: JudgeSettings, recipe: str, places: VlmPlaces = NOWHERE) -> None:
        self.records = records
        self.language = language
        self.settings = judge
        self.recipe = recipe
        self.places = places
        self.batch_size, self.batches_at_once = judge.rows_at_once, judge.batches_at_once
        self.sources = Sources(records)
        self.texts = KeyedTable(records)

    def items(self) -> Iterator[Item]:
        """One item a Reasoning sample. Its inputs: the stored picture, the instruction and the points."""
        models = weights_of(self.settings)
        digest = prompt_digests(self.settings.mode, 2)[RA]
        for row in rows(self.records, ["key", "image_digest", "reasoning_points", self.language]):
            if row["reasoning_points"]:
                inputs = digest_of(row["image_digest"], row[self.language], row["reasoning_points"], *models)
                yield Item(row["key"], inputs, self.recipe, {"judge": self.settings.name, "key": row["key"], "prompt": digest})

    def load(self, items: Sequence[Item]) -> Sequence[VlmRequest]:
        """The questions, with their pictures."""
        keys = [item.key for item in items]
        texts = self.texts.get(keys, self.language, "reasoning_points")
        return [
            VlmRequest(
                key,
                expect_prompt(text[self.language], text["reasoning_points"]),
                (picture,),
                ExpectReply.model_json_schema(),
                provenance=provenance,
            )
            for key, text, (picture, provenance) in zip(keys, texts, self.sources.pictures(keys), strict=True)
        ]

    def open(self) -> Compute:
        """The function that asks a batch."""
        engine = open_vlm(self.settings, self.places)
        return lambda batch: self.compute(engine, batch)

    def compute(self, engine: VlmEngine, batch: Batch) -> list[list[Row] | RowError]:
        """The row of each sample."""
        answers = ask(engine, [request for _, request in batch], lambda _, text: parse(text, ExpectReply), self.settings.attempts)
        return [
            [{"expected": answer.value.expected, **asked_columns(answer, self.settings)}] if isinstance(answer, Answer) else answer
            for answer in answers
        ]
