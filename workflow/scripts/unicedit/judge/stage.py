"""The judge stage: every metric of every edit of one model in one language, scored by one judge."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from unicedit.benchmark.schema import RA, metrics_of
from unicedit.config.edit import EditorSettings
from unicedit.config.judge import JudgeSettings
from unicedit.files import digest_of
from unicedit.judge.engines import open_judge, prompts_of
from unicedit.judge.port import Judge, Question
from unicedit.judge.schema import JUDGE
from unicedit.lookup import rows
from unicedit.map.stage import Batch, Compute, Item, Row, RowError, Stage
from unicedit.provenance import EditProvenance
from unicedit.schema import OK
from unicedit.sources import KeyedTable, Sources
from unicedit.vlm.engines import NOWHERE, VlmPlaces, weights_of

_RECORD = ("key", "task", "subtask", "reasoning_points", "picture", "image_digest")


class JudgeStage(Stage):
    """Scores. Every metric that a sample owes has its row, also where the edit or what is expected of it failed: then the row is failed too.

    ``expected`` is the judge's table of what right edits show, where it has one; ``model`` only for the engine `measured`.
    """

    name = "judge"
    schema = JUDGE
    item_column = "item"

    def __init__(
        self,
        records: Path,
        edits: Path,
        expected: Path | None,
        judge: JudgeSettings,
        model: EditorSettings | None,
        recipe: str,
        places: VlmPlaces = NOWHERE,
        cache: Path | None = None,
    ) -> None:
        self.records, self.edits = records, edits
        self.settings, self.model = judge, model
        self.recipe = recipe
        self.places, self.cache = places, cache
        self.batch_size, self.batches_at_once = judge.rows_at_once, judge.batches_at_once
        self.sources = Sources(records)
        self.texts = KeyedTable(records)
        self.edited = KeyedTable(edits)
        self.expected = {row["key"]: row for row in rows(expected, ["key", "expected", "status", "reason"])} if expected else None

    def items(self) -> Iterator[Item]:
        """One item a metric and repeat, those of one sample together. Its inputs: both pictures, the instruction, the points or what is expected."""
        models = weights_of(self.settings) if self.settings.engine != "measured" else []
        prompts = prompts_of(self.settings, self.cache)
        # our own prompts are in the recipe
        public = {metric: [digest] for metric, digest in prompts.items()} if self.settings.mode == "public" else {}
        edits = {
            row["sample"]: row
            for row in rows(self.edits, ["key", "sample", "language", "editor", "inputs", "edit_digest", "status", "reason"])
        }
        for record in rows(self.records, _RECORD):
            if record["key"] not in edits:  # its instruction is in another language
                continue
            edit = edits[record["key"]]
            light = {name: record[name] for name in ("key", "task", "subtask")}
            light |= {"model": edit["editor"], "judge": self.settings.name, "source": record["picture"], "language": edit["language"]}
            for metric in metrics_of(record["reasoning_points"]):
                about = [record["reasoning_points"], self._expected(record["key"])] if metric == RA else []
                for repeat in range(self.settings.repeats):
                    item = f"{record['key']}-{metric}-{repeat}"
                    yield Item(
                        key=item,
                        inputs=digest_of(
                            edit["inputs"], edit["edit_digest"], edit["reason"], metric, repeat, about, *models, *public.get(metric, [])
                        ),
                        recipe=self.recipe,
                        row={**light, "metric": metric, "repeat": repeat, "prompt": prompts.get(metric)},
                    )

    def _expected(self, key: str) -> list[str] | str:
        """What is expected of a sample's right edit; a text says why nothing is known."""
        if self.expected is None:
            return []
        row = self.expected[key]
        return list(row["expected"]) if row["status"] == OK else str(row["reason"])

    def load(self, items: Sequence[Item]) -> Sequence[Question | RowError]:
        """Both pictures and the texts of each question."""
        keys = {item.row["key"]: f"{item.row['key']}-{item.row['language']}-{item.row['model']}" for item in items}
        edits = dict(zip(keys, self.edited.get(list(keys.values()), "editor", "seed", "edit_image", "status", "reason"), strict=True))
        texts = dict(zip(keys, self.texts.get(list(keys), "en", "cn", "reasoning_points"), strict=True))
        pictures = dict(zip(keys, self.sources.pictures(list(keys)), strict=True))
        found: list[Question | RowError] = []
        for item in items:
            key, metric = item.row["key"], item.row["metric"]
            edit, text = edits[key], texts[key]
            expected = self._expected(key) if metric == RA else []
            if edit["status"] != OK:
                found.append(RowError(f"edit: {edit['reason']}"))
                continue
            if isinstance(expected, str):
                found.append(RowError(f"expected: {expected}"))
                continue
            source, provenance = pictures[key]
            instruction = text[item.row["language"]]
            made = replace(provenance, edit=EditProvenance(edit["editor"], edit["seed"], instruction))
            points = tuple(text["reasoning_points"]) if metric == RA else ()
            found.append(
                Question(item.key, metric, item.row["repeat"], source, edit["edit_image"], instruction, points, tuple(expected), made)
            )
        return found

    def open(self) -> Compute:
        """The function that scores a batch."""
        judge = open_judge(self.settings, self.model, self.places, self.cache)
        return lambda batch: self.compute(judge, batch)

    def compute(self, judge: Judge, batch: Batch) -> list[list[Row] | RowError]:
        """The row of each question; the judge gets the whole batch in one call."""
        scores = judge.judge([question for _, question in batch])
        if len(scores) != len(batch):
            raise RuntimeError(f"the judge gave {len(scores)} scores to {len(batch)} questions")
        return [score if isinstance(score, RowError) else [score] for score in scores]
