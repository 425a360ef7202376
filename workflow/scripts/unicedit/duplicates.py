"""Exact, near and mirrored duplicates, within a generation of shards and against earlier ones (issue 3, item 3; design section 3).

The definition is sequential: pictures are taken in order (generation, shard, row), and each is compared with those kept so far. It is a duplicate of the first kept
picture with the same pixels (``exact``), else of the nearest within ``max_distance`` bits of its perceptual hash (``near``), else of the nearest whose mirror image's
hash is within it (``mirror``); among equally near ones the earliest counts. Candidates are found in bulk by a multi-index hash, which finds all within the distance.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from unicedit.config.duplicates import DuplicatesSettings
from unicedit.files import appearing_whole
from unicedit.parquet import writer
from unicedit.schema import DUPLICATES

BITS = 64
TABLES = 4  # hash tables of 16 bits each: two hashes within d bits agree up to d // 4 bits in one of them
BLOCK = 65_536
# a hash of nearly all zeros or ones tells of a picture without detail (a plain ground, fog): such pictures are duplicates only when exact
MIN_INFORMATION_BITS = 6


def hashes_of(values: Sequence[str]) -> np.ndarray:
    """Hexadecimal 64-bit hashes as an array (n,) of uint64."""
    return np.array([int(value, 16) for value in values], dtype=np.uint64)


def _bytes(hashes: np.ndarray) -> np.ndarray:
    reshaped: np.ndarray = hashes.view(np.uint8).reshape(-1, BITS // 8)
    return reshaped


def informative_of(hashes: np.ndarray) -> np.ndarray:
    ones = np.bitwise_count(hashes)
    informative: np.ndarray = (ones >= MIN_INFORMATION_BITS) & (ones <= BITS - MIN_INFORMATION_BITS)
    return informative


class Neighbours:
    """All stored hashes within a distance of any hash."""

    def __init__(self, hashes: np.ndarray, max_distance: int) -> None:
        import faiss

        self.max_distance = max_distance
        self.index = faiss.IndexBinaryMultiHash(BITS, TABLES, BITS // TABLES)
        self.index.nflip = max_distance // TABLES
        self.index.add(_bytes(hashes))

    def of(self, hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """``limits`` (n + 1,), ``labels`` and ``distances`` of the neighbours of each hash: those of hash i are ``labels[limits[i]:limits[i+1]]``."""
        limits, distances, labels = self.index.range_search(_bytes(hashes), self.max_distance + 1)
        return limits, labels, distances


def mark(
    keys: Sequence[str], phashes: np.ndarray, mirrors: np.ndarray, first: int, max_distance: int
) -> Iterator[tuple[int | None, str | None]]:
    """For each picture from number ``first`` on: the number of the kept picture it repeats and the kind, or two Nones.

    Pictures before ``first`` are kept ones of earlier generations; all are in order. Arrays are (n,) of uint64.
    """
    order: dict[str, int] = {}
    for number in range(first):
        order.setdefault(keys[number], number)
    kept = np.zeros(len(keys), dtype=bool)
    kept[:first] = True
    informative = informative_of(phashes)
    neighbours = Neighbours(phashes, max_distance) if len(keys) else None
    for start in range(first, len(keys), BLOCK):
        stop = min(start + BLOCK, len(keys))
        assert neighbours is not None
        straight = neighbours.of(phashes[start:stop])
        mirrored = neighbours.of(mirrors[start:stop])
        for number in range(start, stop):
            if keys[number] in order:
                yield order[keys[number]], "exact"
                continue
            found: tuple[int | None, str | None] = (None, None)
            if informative[number]:
                for (limits, labels, distances), kind in ((straight, "near"), (mirrored, "mirror")):
                    span = slice(limits[number - start], limits[number - start + 1])
                    candidates = [
                        (int(distance), int(label))
                        for label, distance in zip(labels[span], distances[span], strict=True)
                        if label < number and kept[label] and informative[label]
                    ]
                    if candidates:
                        found = (min(candidates)[1], kind)
                        break
            if found[0] is None:
                kept[number] = True
                order[keys[number]] = number
            yield found


def find_duplicates(
    shards: Sequence[str], ingest: Sequence[Path], earlier: Sequence[Path], out: Path, settings: DuplicatesSettings
) -> dict[str, int]:
    """Write the duplicates table of a generation: one row for each picture that ingest found ok, in order; returns counts by kind.

    ``ingest`` are the ingest tables of ``shards``, ``earlier`` the duplicates tables of earlier generations.
    """
    keys: list[str] = []
    phashes: list[np.ndarray] = []
    mirrors: list[np.ndarray] = []
    for path in earlier:
        table = pq.read_table(path, columns=["key", "phash", "phash_mirror", "duplicate_of"])
        table = table.filter(table["duplicate_of"].is_null())
        keys += table["key"].to_pylist()
        phashes.append(hashes_of(table["phash"].to_pylist()))
        mirrors.append(hashes_of(table["phash_mirror"].to_pylist()))
    first = len(keys)
    rows: list[pa.Table] = []
    for shard, path in zip(shards, ingest, strict=True):
        table = pq.read_table(path, columns=["source", "key", "phash", "phash_mirror", "status"], filters=[("status", "==", "ok")])
        rows.append(table.drop_columns("status").append_column("shard", pa.array([shard] * table.num_rows, pa.string())))
        keys += table["key"].to_pylist()
        phashes.append(hashes_of(table["phash"].to_pylist()))
        mirrors.append(hashes_of(table["phash_mirror"].to_pylist()))
    empty = [np.zeros(0, dtype=np.uint64)]
    if settings.enabled:
        marks = list(mark(keys, np.concatenate(phashes or empty), np.concatenate(mirrors or empty), first, settings.max_distance))
    else:
        marks = [(None, None)] * (len(keys) - first)
    kinds = [kind for _, kind in marks]
    table = pa.concat_tables(rows) if rows else DUPLICATES.empty_table().drop_columns(["duplicate_of", "kind"])
    table = table.append_column("duplicate_of", pa.array([None if of is None else keys[of] for of, _ in marks], pa.string()))
    table = table.append_column("kind", pa.array(kinds, pa.string())).select(DUPLICATES.names).cast(DUPLICATES).combine_chunks()
    with appearing_whole(out) as temporary, writer(temporary, DUPLICATES) as opened:
        for start in range(0, table.num_rows, 100_000):
            opened.write_table(table.slice(start, 100_000), row_group_size=100_000)
    return {kind: kinds.count(kind) for kind in ("exact", "near", "mirror")}
