"""Training samples as people are shown them: which, in what order, and what is said with them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from unicedit.errors import PipelineError
from unicedit.files import digest_of, read_json
from unicedit.lookup import Lookup, rows
from unicedit.review.item import Item, Text
from unicedit.schema import OK
from unicedit.training.review import LINES, Review, shown_digest
from unicedit.training.schema import FAILED_EDIT, HALLUCINATION, NO_EDIT, NORMAL, REVIEWED

ABOUT = ("key", "kind", "subtask", "purpose", "split")
TITLES = {
    "given_en": "Instruction shown with the pair, English",
    "given_cn": "Instruction shown with the pair, Chinese",
    "true_en": "What really changed, English (empty: nothing valid)",
    "true_cn": "What really changed, Chinese (empty: nothing valid)",
    "differences": "Visible differences, one a line",
    "source_caption": "The source shows",
    "edit_caption": "The edit shows",
    "rejected_en": "Wrong answer that training pushes away, English",
    "rejected_cn": "Wrong answer that training pushes away, Chinese",
    "rejected_differences": "Differences that the wrong answer claims, one a line",
}
CLAIMS = {
    NORMAL: "A valid edit took place, and the instruction says what it did.",
    NO_EDIT: "No valid edit took place: nothing differs visibly.",
    HALLUCINATION: "A valid edit took place, and the instruction says something else.",
    FAILED_EDIT: "No valid edit took place: the picture is spoilt, or damaged elsewhere.",
}
_FACTS = ("key", "subtask", "operation", "disturbance", "held_out", "source", "writer")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which samples people are shown: of which files (sft, d2po, validation, test), of which kinds, and how many at most."""

    files: tuple[str, ...]
    kinds: tuple[str, ...]
    limit: int


def parts_of(results: Path) -> list[Path]:
    """The tables that the training data was joined from: others may lie about from earlier settings. ``PipelineError`` where the run has none yet."""
    sidecar = results / "verifier" / "sidecars" / "training_data.json"
    if not sidecar.is_file():
        raise PipelineError(f"{sidecar}: no training data yet; run `snakemake training_data` first")
    return [(sidecar.parent / name).resolve().with_suffix(".parquet") for name in read_json(sidecar)["inputs"]]


class Samples:
    """The samples of some tables, by key; tables are opened as they are needed."""

    def __init__(self, parts: Sequence[Path]) -> None:
        self._parts = parts
        self._place: dict[str, Path] = {}
        self._opened: dict[Path, Lookup] = {}

    def in_order(self, choice: Choice) -> list[str]:
        """Keys of all samples of the chosen files and kinds, in an order that the keys decide."""
        here = {}
        for part in self._parts:
            for row in rows(part, ABOUT, OK):
                if (row["purpose"] or row["split"]) in choice.files and row["kind"] in choice.kinds:
                    here[row["key"]] = part
        self._place.update(here)
        return sorted(here, key=lambda key: (digest_of("review", key), key))

    def found(self, keys: Collection[str]) -> list[str]:
        """Those of the keys that the tables have, in the tables' order."""
        wanted = set(keys)
        here = [(row["key"], part) for part in self._parts for row in rows(part, ["key"], OK) if row["key"] in wanted]
        self._place.update(here)
        return [key for key, _ in here]

    def get(self, key: str, columns: Sequence[str]) -> dict[str, Any]:
        """One sample. Raises ``KeyError`` for a key that the tables have not."""
        if key not in self._place and not self.found([key]):
            raise KeyError(key)
        part = self._place[key]
        if part not in self._opened:
            self._opened[part] = Lookup(part, "key")
        (sample,) = self._opened[part].get([key], list(dict.fromkeys(columns)))
        return sample


class SampleQueue:
    """The port of the review page for training samples."""

    form = Review

    def __init__(self, results: Path, choice: Choice) -> None:
        self._samples, self._choice = Samples(parts_of(results)), choice

    @cached_property
    def _drawn(self) -> list[str]:
        return self._samples.in_order(self._choice)[: self._choice.limit]

    def keys(self) -> Sequence[str]:
        return self._drawn

    def item(self, key: str) -> Item:
        return item_of(self._samples.get(key, [*ABOUT, *_FACTS, *REVIEWED]))

    def shown(self, keys: Collection[str]) -> dict[str, str]:
        return {key: shown_digest(self._samples.get(key, REVIEWED)) for key in self._samples.found(keys)}


def item_of(sample: dict[str, Any]) -> Item:
    """A sample as the page shows it."""
    facts = [("kind", sample["kind"]), ("used for", sample["purpose"] or sample["split"])]
    facts += [(name.replace("_", " "), str(sample[name])) for name in _FACTS if sample[name] not in (None, "", False)]
    return Item(
        key=sample["key"],
        shown=shown_digest(sample),
        heading=f"{sample['kind'].replace('_', ' ')} · {sample['subtask']}",
        claim=CLAIMS[sample["kind"]],
        texts=tuple(_text(sample, name) for name in TITLES),
        facts=tuple(facts),
        before=sample["source_image"],
        after=sample["edit_image"],
    )


def _text(sample: dict[str, Any], name: str) -> Text:
    value = sample[name]
    language = "zh" if name.endswith("_cn") else "en"
    return Text(name, TITLES[name], tuple(value) if name in LINES and value is not None else value, language, "nothing valid")
