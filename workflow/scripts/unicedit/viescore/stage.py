"""The VIEScore stage: SC and PQ of every triplet of a sample, as often as the judge's settings say; or what another set of questions asks about edits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from unicedit.config.ingest import EncodingSettings
from unicedit.config.judge import JudgeSettings
from unicedit.errors import PipelineError
from unicedit.files import digest_of
from unicedit.ingest.decode import decode
from unicedit.lookup import rows
from unicedit.map.stage import Batch, Compute, Item, Row, RowError, Stage
from unicedit.pictures import encoded
from unicedit.schema import OK, REJECTED
from unicedit.sources import KeyedTable
from unicedit.triplets.limits import Limits
from unicedit.viescore.port import Asked, Reply, Told
from unicedit.viescore.schema import VIESCORES
from unicedit.viescore.sets import questions_of
from unicedit.vlm.ask import Answer, ask
from unicedit.vlm.engines import NOWHERE, VlmPlaces, open_vlm, weights_of
from unicedit.vlm.port import VlmEngine, VlmRequest
from unicedit.vlm.reply import parse, raw

_LIGHT = ("dataset", "position", "place", "subtask", "instruction_en", "instruction_cn", "source_digest", "edit_digest", "status", "reason")
_SHOWN = ("source_image", "edit_image", "instruction_en", "instruction_cn", "status", "reason")


@dataclass(frozen=True, slots=True)
class Question:
    """One question about one triplet: its name and the triplet's group, what it says, and the pictures it shows (PNG)."""

    metric: str
    group: str
    text: str
    pictures: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Edit:
    """A triplet's pictures (PNG), whichever of them a question shows, and what may be said of it."""

    sources: tuple[bytes, ...]
    edit: bytes
    reference: bytes | None
    told: Told

    def shown_by(self, asked: Asked) -> tuple[bytes, ...]:
        """The pictures of a question, in the order in which it speaks of them."""
        after = (self.reference,) if asked.reference and self.reference else ()
        return (*(self.sources if asked.source else ()), self.edit, *after)


class ViescoreStage(Stage):
    """Scores. A triplet that could not be read has failed rows, so that coverage is of all that were drawn; rejected rows were replaced and have none."""

    name = "viescore"
    schema = VIESCORES
    item_column = "item"
    more_light: ClassVar[tuple[str, ...]] = ()  # columns of the sample that other triplets do not have
    more_shown: ClassVar[tuple[str, ...]] = ()

    def __init__(self, sample: Path, judge: JudgeSettings, recipe: str, places: VlmPlaces = NOWHERE, questions: str = "viescore") -> None:
        if judge.engine == "measured":
            raise PipelineError(
                f"judge {judge.name}: engine `measured` knows the simulated world alone; triplets need openai, batch, vllm or transformers"
            )
        self.sample = KeyedTable(sample, "place")
        self.settings = judge
        self.recipe = recipe
        self.places = places
        self.questions = questions
        self.batch_size, self.batches_at_once = judge.rows_at_once, judge.batches_at_once

    def items(self) -> Iterator[Item]:
        """One item a question and repeat, those of one triplet together. Its inputs: the pictures it shows, its words, and what is filled in where the source is shown."""
        weights = weights_of(self.settings)
        questions = questions_of(self.questions)
        for row in rows(self.sample.path, [*_LIGHT, *self.more_light]):
            if row["status"] == REJECTED:
                continue
            for metric, asked in questions(row["subtask"] or "").items():
                shown, digest = _shown_by(asked, row), prompt_digest(asked)
                for repeat in range(self.settings.repeats):
                    yield Item(
                        key=f"{row['position']}-{metric}-{repeat}",
                        inputs=digest_of(shown, digest, row["status"], row["reason"], metric, repeat, *weights),
                        recipe=self.recipe,
                        row={
                            **{name: row[name] for name in ("dataset", "position", "place")},
                            "judge": self.settings.name,
                            "metric": metric,
                            "repeat": repeat,
                            "prompt": digest,
                        },
                    )

    def load(self, items: Sequence[Item]) -> Sequence[Question | RowError]:
        """The question of each item, its pictures in a form that every engine takes."""
        places = list(dict.fromkeys(item.row["place"] for item in items))
        read = self.sample.get(places, "subtask", *_SHOWN, *self.more_shown)
        questions = questions_of(self.questions)
        triplets = {place: (row["subtask"] or "", _edit(row)) for place, row in zip(places, read, strict=True)}
        found: list[Question | RowError] = []
        for item in items:
            group, edit = triplets[item.row["place"]]
            if isinstance(edit, RowError):
                found.append(edit)
                continue
            asked = questions(group)[item.row["metric"]]
            found.append(Question(item.row["metric"], group, asked.text(edit.told), edit.shown_by(asked)))
        return found

    def open(self) -> Compute:
        """The function that scores a batch."""
        engine = open_vlm(self.settings, self.places)
        return lambda batch: self.compute(engine, batch)

    def compute(self, engine: VlmEngine, batch: Batch) -> list[list[Row] | RowError]:
        """The row of each question; the engine gets the whole batch at once."""
        questions = questions_of(self.questions)
        reply_of = {item.key: questions(question.group)[question.metric].reply for item, question in batch}
        requests = [
            VlmRequest(
                item.key,
                question.text,
                question.pictures,
                reply_of[item.key].model_json_schema(),
                repeat=item.row["repeat"],
            )
            for item, question in batch
        ]
        answers = ask(engine, requests, lambda request, text: parse(text, reply_of[request.key]), self.settings.attempts)
        return [[_row(answer)] if isinstance(answer, Answer) else answer for answer in answers]


def prompt_digest(asked: Asked) -> str:
    """12 hexadecimal digits of a question's text, whatever is filled in."""
    return digest_of(asked.text(Told("the instruction")))[:12]


def _shown_by(asked: Asked, row: Row) -> list[str | None]:
    """What of a triplet goes into a question."""
    before = [row["source_digest"], *(row.get("others_digests") or ())] if asked.source else []
    after = [row["reference_digest"]] if asked.reference and row.get("reference_digest") else []
    said = [_instruction(row), *([row["note"]] if row.get("note") else [])] if asked.source else []
    return [*before, row["edit_digest"], *after, *said]


def _instruction(row: Row) -> str:
    return str(row["instruction_en"] or row["instruction_cn"] or "")


def _edit(row: Row) -> _Edit | RowError:
    if row["status"] != OK:
        return RowError(f"triplet: {row['reason']}")
    try:
        sources = tuple(_png(data) for data in (row["source_image"], *(row.get("other_images") or ())))
        edit = _png(row["edit_image"])
        reference = _png(row["reference_image"]) if row.get("reference_image") else None
    except RowError as error:
        return error
    return _Edit(sources, edit, reference, Told(_instruction(row), len(sources), row.get("note") or "", reference is not None))


def _png(data: bytes) -> bytes:
    limits = Limits()
    return encoded(decode(data, limits.max_file_mb, limits.max_megapixels).image, EncodingSettings())


def _row(answer: Answer[Reply]) -> Row:
    about = {"snapshot": answer.reply.model, "attempt": answer.attempt, "raw": raw(answer.reply.text)}
    return {"scores": answer.value.scores, "explanation": answer.value.reason, **about}


class BenchViescoreStage(ViescoreStage):
    """The same of a model's edits of the benchmark, in tables of their own; a benchmark's mapping may name other questions than VIEScore's."""

    name = "bench_viescore"
    more_light = ("note", "others_digests", "reference_digest")
    more_shown = ("note", "other_images", "reference_image")
