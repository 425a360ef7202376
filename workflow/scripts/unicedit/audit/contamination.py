"""Pictures of a benchmark among a dataset's: whoever trains on them is not measured by it any more."""

from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from unicedit.audit.finding import Faults, Finding, finding, not_checked
from unicedit.audit.measure import SHORT
from unicedit.audit.store import Facts
from unicedit.audit.wishes import Wishes
from unicedit.duplicates import Neighbours, hashes_of, informative_of
from unicedit.errors import PipelineError
from unicedit.ingest.hashes import perceptual_hashes, pixel_digest
from unicedit.lookalikes.folder import SUFFIXES, pictures_below

BLOCK = 10_000


class Benchmark:
    """The pictures below a folder: names, and by which they are recognised. Raises ``PipelineError`` where there is none."""

    def __init__(self, folder: Path, max_distance: int) -> None:
        self.names: list[str] = []
        self.unread = 0
        self.pixels: dict[str, int] = {}
        hashes = []
        for name, image in pictures_below(folder):
            if image is None:
                self.unread += 1
                continue
            self.pixels.setdefault(pixel_digest(image)[:SHORT], len(self.names))
            hashes.append(perceptual_hashes(image)[0])
            self.names.append(name)
        if not self.names:
            raise PipelineError(f"{folder}: no picture in it; --benchmark is a folder with the benchmark's images ({', '.join(SUFFIXES)})")
        self.hashes = hashes_of(hashes)
        self._informative = informative_of(self.hashes)
        self._neighbours = Neighbours(self.hashes, max_distance)

    def nearest(self, hashes: np.ndarray) -> list[int | None]:
        """For each hash (n,) the number of the nearest picture within the distance, None where there is none or it says too little."""
        limits, labels, distances = self._neighbours.of(hashes)
        able = informative_of(hashes)
        found: list[int | None] = []
        for number in range(len(hashes)):
            span = slice(limits[number], limits[number + 1])
            near = [
                (int(distance), int(label))
                for label, distance in zip(labels[span], distances[span], strict=True)
                if self._informative[label]
            ]
            found.append(min(near)[1] if near and able[number] else None)
        return found


def contamination(facts: Facts, wishes: Wishes) -> Finding:
    """Different pictures of the dataset, sources and edits, that are one of the benchmark's or nearly so, or its mirror image."""
    if wishes.benchmark is None:
        return not_checked("contamination", "no benchmark was named (--benchmark FOLDER)")
    benchmark = Benchmark(wishes.benchmark, wishes.limits.max_distance)
    found = Faults()
    told: set[str] = set()  # a source may come again with another edit
    touched: set[int] = set()
    looked = 0
    for names, pixels, hashes, mirrors in _pictures(facts):
        looked += len(names)
        straight, mirrored = benchmark.nearest(hashes), benchmark.nearest(mirrors)
        for name, digest, near, mirror in zip(names, pixels, straight, mirrored, strict=True):
            number = next((one for one in (benchmark.pixels.get(digest), near, mirror) if one is not None), None)
            if number is not None and digest not in told:
                told.add(digest)
                found.append(f"{name} as {benchmark.names[number]}")
                touched.add(number)
    said = f"{len(touched):,} of the benchmark's {len(benchmark.names):,} pictures are in the dataset, {len(found):,} times" + (
        f"; {benchmark.unread:,} files of it cannot be read" if benchmark.unread else ""
    )
    return finding("contamination", found, looked, said, what="pictures", benchmark_pictures=len(benchmark.names), touched=len(touched))


def _pictures(facts: Facts) -> Iterator[tuple[list[str], list[str], np.ndarray, np.ndarray]]:
    """Names, pixel digests and hashes of the pictures, in blocks, each picture once a block."""
    seen: set[str] = set()
    names: list[str] = []
    pixels: list[str] = []
    hashes, mirrors = array("Q"), array("Q")
    columns = [f"{which}_{what}" for which in ("source", "edit") for what in ("pixels", "phash", "phash_mirror")]
    for name, row in facts.readable(*columns):
        for which in ("source", "edit"):
            digest = row[f"{which}_pixels"]
            if digest and digest not in seen:
                seen.add(digest)
                names.append(f"{name} ({which})")
                pixels.append(digest)
                hashes.append(int(row[f"{which}_phash"], 16))
                mirrors.append(int(row[f"{which}_phash_mirror"], 16))
        if len(names) >= BLOCK:
            yield names, pixels, np.array(hashes, np.uint64), np.array(mirrors, np.uint64)
            names, pixels, hashes, mirrors = [], [], array("Q"), array("Q")
            seen.clear()
    if names:
        yield names, pixels, np.array(hashes, np.uint64), np.array(mirrors, np.uint64)
