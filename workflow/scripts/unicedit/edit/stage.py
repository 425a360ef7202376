"""The edit stage: every instruction carried out by its editor."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from unicedit.config.edit import EditSettings
from unicedit.edit.assign import assigned
from unicedit.edit.engines import inputs_of, open_editor, waits_for_server
from unicedit.edit.port import Edited, Editor, EditRequest
from unicedit.edit.seed import seed_of
from unicedit.files import digest_of
from unicedit.lookup import rows
from unicedit.map.stage import Batch, Compute, Item, Row, RowError, Stage
from unicedit.pictures import bytes_digest, decoded, encoded
from unicedit.schema import EDIT, OK
from unicedit.sources import KeyedTable, Sources
from unicedit.vlm.engines import NOWHERE, VlmPlaces

MAX_PIXELS = 64_000_000  # of a picture that an editor gives back


class EditStage(Stage):
    """Edits of the instructions that are ``ok``. ``recipes`` gives each editor's recipe by its name."""

    name = "edit"
    schema = EDIT
    row_group_rows = 32

    def __init__(
        self, ingest: Path, instruct: Path, settings: EditSettings, recipes: Mapping[str, str], places: VlmPlaces = NOWHERE
    ) -> None:
        self.instruct = instruct
        self.settings = settings
        self.recipes = dict(recipes)
        self.places = places
        self.batch_size = settings.batch_size
        # a batch goes from editor to editor: none of them should wait for its last picture
        if all(map(waits_for_server, settings.editors)):
            self.batches_at_once = 1 + len(settings.editors)
        self.sources = Sources(ingest)
        self.instructions = KeyedTable(instruct)

    def items(self) -> Iterator[Item]:
        """One item an instruction, with its editor and seed. Its inputs: the stored picture, the instruction, the editor, its weights or finished picture, and the seed."""
        own = {editor.name: inputs_of(editor) for editor in self.settings.editors}
        for row in rows(self.instruct, ["key", "image", "subtask", "instruction_en", "instruction_cn"], OK):
            editor = assigned(row["key"], self.settings.editors)
            seed = seed_of(row["key"], editor.name)
            yield Item(
                key=f"{row['key']}-{editor.name}",
                inputs=digest_of(
                    self.sources.digest(row["image"]),
                    row["instruction_en"],
                    row["instruction_cn"],
                    editor.name,
                    seed,
                    *own[editor.name](row["key"], row["subtask"]),
                ),
                recipe=self.recipes[editor.name],
                row={
                    "key": f"{row['key']}-{editor.name}",
                    "instruction": row["key"],
                    "image": row["image"],
                    "editor": editor.name,
                    "revision": editor.recorded_revision,
                    "seed": seed,
                },
            )

    def load(self, items: Sequence[Item]) -> Sequence[EditRequest]:
        """The requests, with decoded pictures."""
        pictures = self.sources.pictures([item.row["image"] for item in items])
        texts = self.instructions.get([item.row["instruction"] for item in items], "key", "subtask", "instruction_en", "instruction_cn")
        return [
            EditRequest(
                item.key,
                decoded(data),
                text["instruction_en"],
                text["instruction_cn"],
                item.row["seed"],
                provenance,
                instruction=text["key"],
                subtask=text["subtask"],
            )
            for item, (data, provenance), text in zip(items, pictures, texts, strict=True)
        ]

    def open(self) -> Compute:
        """The function that edits a batch; an editor is opened when the first instruction for it comes."""
        opened, opening = dict[str, Editor](), threading.Lock()

        def editor(name: str) -> Editor:
            with opening:
                if name not in opened:
                    opened[name] = open_editor(self.settings.editor(name), self.places)
                return opened[name]

        return lambda batch: self.compute(editor, batch)

    def compute(self, editor: Callable[[str], Editor], batch: Batch) -> list[list[Row] | RowError]:
        """The row of each instruction; each editor gets all of the batch that is its own, in one call."""
        results: dict[str, list[Row] | RowError] = {}
        for name in dict.fromkeys(item.row["editor"] for item, _ in batch):
            requests = [request for item, request in batch if item.row["editor"] == name]
            images = editor(name).edit(requests)
            if len(images) != len(requests):
                raise RuntimeError(f"editor {name} gave {len(images)} pictures for {len(requests)} instructions")
            results |= {request.key: _row(image) for request, image in zip(requests, images, strict=True)}
        return [results[item.key] for item, _ in batch]

    def finish(self, rows: list[Row]) -> list[Row] | RowError:
        """The picture as the editor gave it, encoded: another size than the source's is recorded."""
        image = rows[0]["edit_image"]
        if image.width * image.height > MAX_PIXELS:
            return RowError(
                f"too_large: the editor gave {image.width} x {image.height} pixels", edit_width=image.width, edit_height=image.height
            )
        data = encoded(image.convert("RGB"), self.settings.encoding)
        return [{"edit_width": image.width, "edit_height": image.height, "edit_digest": bytes_digest(data), "edit_image": data}]


def _row(image: Edited) -> list[Row] | RowError:
    """A row that ``finish`` completes."""
    return image if isinstance(image, RowError) else [{"edit_image": image}]
