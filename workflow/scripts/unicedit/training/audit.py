"""Giving samples to people and taking back what they said."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unicedit.errors import PipelineError
from unicedit.files import appearing_whole, digest_of, read_json, write_json, write_text
from unicedit.lookup import Lookup, rows
from unicedit.schema import OK
from unicedit.training.label_studio import INTERFACE, data_uri, reviews_of, small, task
from unicedit.training.review import Review, append_reviews, read_reviews, shown_digest
from unicedit.training.schema import REVIEWED

_ABOUT = ("key", "kind", "subtask", "purpose", "split")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which samples people are shown: of which files (sft, d2po, validation, test), of which kinds, and how many at most."""

    files: tuple[str, ...]
    kinds: tuple[str, ...]
    limit: int


def export(results: Path, choice: Choice, folder: Path, review: Path, max_side: int, address: str | None) -> int:
    """Write ``tasks.json`` and ``interface.xml`` into ``folder``; returns the number of tasks.

    Samples are drawn by key; those with a review that still holds are left out. Pictures are inside the tasks, or with ``address`` in ``folder/pictures``, named under that
    address. Raises ``PipelineError`` where the run has no samples yet.
    """
    reviewed = {(one.key, one.shown) for one in read_reviews(review)} if review.exists() else set()
    tasks = []
    for sample in _drawn(results, choice, reviewed):
        addresses = []
        for name in ("source", "edit"):
            png = small(sample[f"{name}_image"], max_side)
            if address is None:
                addresses.append(data_uri(png))
                continue
            file = f"{sample['key']}-{name}.png"
            with appearing_whole(folder / "pictures" / file) as temporary:
                temporary.write_bytes(png)
            addresses.append(f"{address.rstrip('/')}/{file}")
        tasks.append(task(sample, *addresses))
    write_json(folder / "tasks.json", tasks)
    write_text(folder / "interface.xml", INTERFACE)
    return len(tasks)


def take_in(results: Path, exports: Sequence[Path], review: Path, prefix: str) -> tuple[int, int]:
    """Append the reviews in Label Studio's exports to the review file; returns how many were read, and how many of them are new.

    Nothing is appended where any export has a fault (``ReviewError``).
    """
    keys = {row["key"] for part in _parts(results) for row in rows(part, ["key"])}
    read: list[Review] = [one for path in exports for one in reviews_of(path, keys, prefix)]
    return len(read), append_reviews(review, read)


def _parts(results: Path) -> list[Path]:
    """The tables that the training data was joined from: others may lie about from earlier settings."""
    sidecar = results / "verifier" / "sidecars" / "training_data.json"
    if not sidecar.is_file():
        raise PipelineError(f"{sidecar}: no training data yet; run `snakemake training_data` first")
    return [(sidecar.parent / name).resolve().with_suffix(".parquet") for name in read_json(sidecar)["inputs"]]


def _drawn(results: Path, choice: Choice, reviewed: set[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """Samples in an order that their keys decide."""
    reviewed_keys = {key for key, _ in reviewed}
    waiting = []
    for part in _parts(results):
        for row in rows(part, _ABOUT, OK):
            if (row["purpose"] or row["split"]) in choice.files and row["kind"] in choice.kinds:
                waiting.append((digest_of("review", row["key"]), row["key"], part))
    heapq.heapify(waiting)
    left, opened = choice.limit, dict[Path, Lookup]()
    while waiting and left > 0:
        _, key, part = heapq.heappop(waiting)
        if part not in opened:
            opened[part] = Lookup(part, "key")
        (sample,) = opened[part].get([key], [*_ABOUT, *REVIEWED])
        if key in reviewed_keys and (key, shown_digest(sample)) in reviewed:
            continue
        left -= 1
        yield sample
