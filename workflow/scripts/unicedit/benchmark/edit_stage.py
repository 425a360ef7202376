"""The bench_edit stage: every sample edited by one model, after its instruction in one language."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from unicedit.benchmark.schema import BENCH_EDIT
from unicedit.config.edit import EditorSettings, EditSettings
from unicedit.config.ingest import EncodingSettings
from unicedit.edit.engines import inputs_of
from unicedit.edit.port import EditRequest
from unicedit.edit.seed import seed_of
from unicedit.edit.stage import EditStage
from unicedit.files import digest_of
from unicedit.lookup import rows
from unicedit.map.stage import Item, Payload, Row, RowError
from unicedit.pictures import decoded
from unicedit.sources import KeyedTable
from unicedit.vlm.engines import NOWHERE, VlmPlaces


class BenchEditStage(EditStage):
    """Edits of all records by one model. The edit stage's own editors and rows, asked for the samples of the benchmark.

    The model gets the instruction of its language alone, in both fields of the request: a model of either language reads the benchmark's.
    """

    name = "bench_edit"
    schema = BENCH_EDIT

    def __init__(
        self,
        records: Path,
        language: str,
        model: EditorSettings,
        encoding: EncodingSettings,
        batch_size: int,
        recipe: str,
        places: VlmPlaces = NOWHERE,
    ) -> None:
        plain = EditorSettings(**model.model_dump(include=set(EditorSettings.model_fields)))
        if plain.images:  # its folder holds both languages
            plain = plain.model_copy(update={"images": plain.images.model_copy(update={"language": language})})
        settings = EditSettings(editors=(plain,), encoding=encoding, batch_size=batch_size)
        super().__init__(records, records, settings, {model.name: recipe}, places)
        self.records = records
        self.language = language
        self.model = plain
        self.texts = KeyedTable(records)

    def items(self) -> Iterator[Item]:
        """One item a record. Its inputs: the stored picture, the instruction, the model's name, the seed, and its weights or finished picture."""
        model = self.model
        own = inputs_of(model)
        for row in rows(self.records, ["key", "task", "subtask", "image_digest", "sources", self.language]):
            if not row[self.language]:  # a benchmark whose samples have one language each
                continue
            seed = seed_of(f"{row['key']}-{self.language}", model.name)
            key = f"{row['key']}-{self.language}-{model.name}"
            yield Item(
                key=key,
                inputs=digest_of(
                    row["image_digest"],
                    row[self.language],
                    self.language,
                    model.name,
                    seed,
                    *own(row["key"], row["subtask"]),
                    *_several(row),
                ),
                recipe=self.recipes[model.name],
                row={
                    "key": key,
                    "sample": row["key"],
                    "task": row["task"],
                    "subtask": row["subtask"],
                    "language": self.language,
                    "editor": model.name,
                    "revision": model.recorded_revision,
                    "seed": seed,
                },
            )

    def load(self, items: Sequence[Item]) -> Sequence[Payload]:
        """The requests, with decoded pictures. Where a sample has several, only finished pictures can be its edits: the other engines are given one."""
        samples = [item.row["sample"] for item in items]
        texts = self.texts.get(samples, self.language, "sources")
        found: list[EditRequest | RowError] = []
        for item, (data, provenance), row in zip(items, self.sources.pictures(samples), texts, strict=True):
            if row["sources"] > 1 and self.model.engine != "images":
                found.append(
                    RowError(
                        f"several_pictures: the sample has {row['sources']} source pictures, and engine `{self.model.engine}` gives its model one; "
                        "engine `images` takes edits that were made elsewhere"
                    )
                )
                continue
            text = row[self.language]
            found.append(
                EditRequest(
                    item.key,
                    decoded(data),
                    text,
                    text,
                    item.row["seed"],
                    provenance,
                    instruction=item.row["sample"],
                    subtask=item.row["subtask"],
                )
            )
        return found


def _several(row: Row) -> list[int]:
    """An input of edits of several pictures: how many."""
    return [row["sources"]] if row["sources"] > 1 else []
