"""The VIEScore stage: SC and PQ of every triplet of a sample, as often as the judge's settings say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from unicedit.config.ingest import EncodingSettings
from unicedit.config.judge import JudgeSettings
from unicedit.errors import PipelineError
from unicedit.files import digest_of
from unicedit.ingest.decode import decode
from unicedit.lookup import rows
from unicedit.map.stage import Batch, Compute, Item, Row, RowError, Stage
from unicedit.pictures import encoded
from unicedit.schema import OK, REJECTED
from unicedit.scoring.viescore import SC, SUBSCORES
from unicedit.sources import KeyedTable
from unicedit.triplets.limits import Limits
from unicedit.viescore.prompt import prompt, prompt_digest
from unicedit.viescore.reply import MODELS, Reply, parse_reply
from unicedit.viescore.schema import VIESCORES
from unicedit.vlm.ask import Answer, ask
from unicedit.vlm.engines import NOWHERE, VlmPlaces, open_vlm, weights_of
from unicedit.vlm.port import VlmEngine, VlmRequest
from unicedit.vlm.reply import raw

_LIGHT = ("dataset", "position", "place", "instruction_en", "instruction_cn", "source_digest", "edit_digest", "status", "reason")


@dataclass(frozen=True, slots=True)
class Question:
    """One metric of one triplet: the pictures it shows (PNG), and the instruction."""

    metric: str
    pictures: tuple[bytes, ...]
    instruction: str


class ViescoreStage(Stage):
    """Scores. A triplet that could not be read has failed rows, so that coverage is of all that were drawn; rejected rows were replaced and have none."""

    name = "viescore"
    schema = VIESCORES
    item_column = "item"

    def __init__(self, sample: Path, judge: JudgeSettings, recipe: str, places: VlmPlaces = NOWHERE) -> None:
        if judge.engine == "measured":
            raise PipelineError(
                f"judge {judge.name}: engine `measured` knows the simulated world alone; triplets need openai, vllm or transformers"
            )
        self.sample = KeyedTable(sample, "place")
        self.settings = judge
        self.recipe = recipe
        self.places = places
        self.batch_size = judge.batch_size

    def items(self) -> Iterator[Item]:
        """One item a metric and repeat, those of one triplet together. Its inputs: the pictures it shows, and the instruction where it is asked for."""
        weights = weights_of(self.settings)
        for row in rows(self.sample.path, _LIGHT):
            if row["status"] == REJECTED:
                continue
            for metric in SUBSCORES:
                shown = [row["source_digest"], row["edit_digest"], _instruction(row)] if metric == SC else [row["edit_digest"]]
                for repeat in range(self.settings.repeats):
                    yield Item(
                        key=f"{row['position']}-{metric}-{repeat}",
                        inputs=digest_of(shown, row["status"], row["reason"], metric, repeat, *weights),
                        recipe=self.recipe,
                        row={
                            **{name: row[name] for name in ("dataset", "position", "place")},
                            "judge": self.settings.name,
                            "metric": metric,
                            "repeat": repeat,
                            "prompt": prompt_digest(metric),
                        },
                    )

    def load(self, items: Sequence[Item]) -> Sequence[Question | RowError]:
        """The question of each item, its pictures in a form that every engine takes."""
        places = list(dict.fromkeys(item.row["place"] for item in items))
        columns = ("source_image", "edit_image", "instruction_en", "instruction_cn", "status", "reason")
        triplets = {place: _shown(row) for place, row in zip(places, self.sample.get(places, *columns), strict=True)}
        found: list[Question | RowError] = []
        for item in items:
            triplet = triplets[item.row["place"]]
            if isinstance(triplet, RowError):
                found.append(triplet)
                continue
            pictures, instruction = triplet
            metric = item.row["metric"]
            found.append(Question(metric, pictures if metric == SC else pictures[1:], instruction))
        return found

    def open(self) -> Compute:
        """The function that scores a batch."""
        engine = open_vlm(self.settings, self.places)
        return lambda batch: self.compute(engine, batch)

    def compute(self, engine: VlmEngine, batch: Batch) -> list[list[Row] | RowError]:
        """The row of each question; the engine gets the whole batch at once."""
        metric_of = {item.key: question.metric for item, question in batch}
        requests = [
            VlmRequest(
                item.key,
                prompt(question.metric, question.instruction),
                question.pictures,
                MODELS[question.metric].model_json_schema(),
                repeat=item.row["repeat"],
            )
            for item, question in batch
        ]
        answers = ask(engine, requests, lambda request, text: parse_reply(text, metric_of[request.key]), self.settings.attempts)
        return [[_row(answer)] if isinstance(answer, Answer) else answer for answer in answers]


def _instruction(row: Row) -> str:
    return str(row["instruction_en"] or row["instruction_cn"] or "")


def _shown(row: Row) -> tuple[tuple[bytes, ...], str] | RowError:
    if row["status"] != OK:
        return RowError(f"triplet: {row['reason']}")
    limits = Limits()
    try:
        pictures = [decode(row[name], limits.max_file_mb, limits.max_megapixels).image for name in ("source_image", "edit_image")]
    except RowError as error:
        return error
    return tuple(encoded(picture, EncodingSettings()) for picture in pictures), _instruction(row)


def _row(answer: Answer[Reply]) -> Row:
    about = {"snapshot": answer.reply.model, "attempt": answer.attempt, "raw": raw(answer.reply.text)}
    return {"scores": answer.value.scores, "explanation": answer.value.reason, **about}


class BenchViescoreStage(ViescoreStage):
    """The same of a model's edits of the benchmark, in tables of their own."""

    name = "bench_viescore"
