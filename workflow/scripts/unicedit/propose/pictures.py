"""Which pictures of the library are asked: drawn by seed from those that passed the prefilter, apart from each other and from what was trained on."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from unicedit.config.propose import ProposeSettings
from unicedit.duplicates import hashes_of, mark
from unicedit.files import digest_of
from unicedit.lookup import rows
from unicedit.schema import OK

log = logging.getLogger(__name__)
_COLUMNS = ("source", "key", "phash", "phash_mirror", "image_digest")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A picture of the library, and the hashes it is compared by (16 hexadecimal digits)."""

    shard: str
    key: str
    digest: str  # of the stored picture
    phash: str
    mirror: str


class Used:
    """Pictures that were trained on, by key or by their name in the library, read from the dataset's index and the verifier's training samples."""

    def __init__(self, tables: Sequence[Path]) -> None:
        self.keys: set[str] = set()
        self.sources: set[str] = set()
        for path in tables:
            if "source" in pq.read_schema(path).names:
                self.sources.update(row["source"] for row in rows(path, ["source"]) if row["source"])
            else:
                self.keys.update(row["key"].partition("-")[0] for row in rows(path, ["key"]))  # <image>-<slot>-<editor>


def choose(tables: Sequence[tuple[str, Path, Path]], used: Used, settings: ProposeSettings, number: int) -> list[Candidate]:
    """At most ``number`` pictures, in the library's order; a larger number adds to them. ``tables``: shard, ingest and prefilter table of each."""
    found: dict[str, Candidate] = {}
    trained: dict[str, Candidate] = {}
    for shard, ingest, prefilter in tables:
        passed = {row["source"] for row in rows(prefilter, ["source"], OK)}
        for row in rows(ingest, _COLUMNS, OK):
            one = Candidate(shard, row["key"], row["image_digest"], row["phash"], row["phash_mirror"])
            if one.key in used.keys or row["source"] in used.sources:
                trained[one.key] = one
            elif row["source"] in passed:
                found.setdefault(one.key, one)
    left = {key: one for key, one in found.items() if key not in trained}
    drawn = sorted(left.values(), key=lambda one: (digest_of("propose", settings.seed, one.key), one.key))
    taken = {one.key for one in _apart(drawn, list(trained.values()), settings.max_distance, number)}
    log.info(
        "%d pictures are asked, %d are wanted; %d passed the prefilter and were not trained on, %d were trained on",
        len(taken),
        number,
        len(left),
        len(trained),
    )
    return [one for key, one in left.items() if key in taken]


def _apart(drawn: Sequence[Candidate], trained: Sequence[Candidate], max_distance: int | None, number: int) -> list[Candidate]:
    """The first ``number`` of ``drawn`` that are no duplicates of ``trained`` or of each other."""
    if max_distance is None:
        return list(drawn[:number])
    size = 2 * number
    while True:
        kept = list(_kept(drawn[:size], trained, max_distance))
        if len(kept) >= number or size >= len(drawn):
            return kept[:number]
        size *= 2


def _kept(drawn: Sequence[Candidate], trained: Sequence[Candidate], max_distance: int) -> Iterator[Candidate]:
    compared = [*trained, *drawn]
    phashes, mirrors = (hashes_of([getattr(one, name) for one in compared]) for name in ("phash", "mirror"))
    marks = mark([one.key for one in compared], phashes, mirrors, len(trained), max_distance)
    yield from (one for one, (repeated, _) in zip(drawn, marks, strict=True) if repeated is None)
