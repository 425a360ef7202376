"""Giving samples to people and taking back what they said."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unicedit.files import appearing_whole, write_json, write_text
from unicedit.lookup import rows
from unicedit.review.decision import append_reviews, read_reviews
from unicedit.training.label_studio import INTERFACE, data_uri, reviews_of, small, task
from unicedit.training.queue import ABOUT, Choice, Samples, parts_of
from unicedit.training.review import Review, shown_digest
from unicedit.training.schema import REVIEWED


def export(results: Path, choice: Choice, folder: Path, review: Path, max_side: int, address: str | None) -> int:
    """Write ``tasks.json`` and ``interface.xml`` into ``folder``; returns the number of tasks.

    Samples are drawn by key; those with a review that still holds are left out. Pictures are inside the tasks, or with ``address`` in ``folder/pictures``, named under that
    address. Raises ``PipelineError`` where the run has no samples yet.
    """
    reviewed = {(one.key, one.shown) for one in read_reviews(review, Review)} if review.exists() else set()
    reviewed_keys = {key for key, _ in reviewed}
    samples = Samples(parts_of(results))
    tasks: list[dict[str, Any]] = []
    for key in samples.in_order(choice):
        if len(tasks) == choice.limit:
            break
        sample = samples.get(key, [*ABOUT, *REVIEWED])
        if key in reviewed_keys and (key, shown_digest(sample)) in reviewed:
            continue
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
    keys = {row["key"] for part in parts_of(results) for row in rows(part, ["key"])}
    read: list[Review] = [one for path in exports for one in reviews_of(path, keys, prefix)]
    return len(read), append_reviews(review, read)
