"""Finding the benchmarks' pictures that a picture looks like."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unicedit.duplicates import Neighbours, informative_of
from unicedit.files import digest_of
from unicedit.lookalikes.likeness import likeness
from unicedit.lookalikes.schema import REFERENCES
from unicedit.lookalikes.windows import WHOLE, WINDOWS, Hashes, Window, grey, hashes, mirrored
from unicedit.lookup import rows

EXACT, NEAR, MIRRORED, CROP, MIRRORED_CROP = "exact", "near", "mirrored", "crop", "mirrored crop"
HOW = (EXACT, NEAR, MIRRORED, CROP, MIRRORED_CROP)
EMBEDDING = "embedding"
WHOLLY = 0.95  # a smaller share of the other picture makes a crop


@dataclass(frozen=True, slots=True)
class Lookalike:
    """A reference that a picture looks like; columns as in ``LOOKALIKES``. ``distance`` and ``likeness`` are 0 and 1 where the pixels are equal; they and ``share``
    are None where the embedding alone found it, ``cosine`` where none is compared.
    """

    benchmark: str
    samples: tuple[str, ...]
    how: str
    distance: int | None
    likeness: float | None
    share: float | None
    cosine: float | None = None


def references_digest(table: Path) -> str:
    """What a table of references holds."""
    return digest_of([[row["benchmark"], row["samples"], row["picture"]] for row in rows(table, ["benchmark", "samples", "picture"])])


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A reference whose hash is near: ``smaller`` should be what ``window`` shows of ``larger``. ``mirrored``: one of them was turned for it."""

    distance: int
    place: int
    mirrored: bool
    inside: bool  # the reference is the smaller one
    larger: Image.Image
    window: Window
    smaller: Image.Image


class References:
    """A table of references in memory: some 60 kB a picture, and 4 bytes a dimension of its embedding where there is one.

    A picture looks like a reference where a window of one has a hash within ``max_distance`` bits of the other's, or of its mirror image's, and their details correlate by
    ``min_likeness`` once the window is moved to fit.
    """

    def __init__(self, table: Path, max_distance: int, min_likeness: float) -> None:
        listed = list(rows(table, REFERENCES.names))
        self.names = [(row["benchmark"], tuple(row["samples"])) for row in listed]
        self.places: dict[str, list[int]] = {}
        for place, row in enumerate(listed):
            self.places.setdefault(row["picture"], []).append(place)
        self.greys = [_opened(row["grey"]) for row in listed]
        self.min_likeness = min_likeness
        self.embedders = {row["embedder"] for row in listed}
        embedded = [row["embedding"] for row in listed if row["embedding"] is not None]
        self.embeddings = np.array(embedded, np.float32) if len(embedded) == len(listed) else None
        windows = np.array([row["hashes"] for row in listed], np.uint64).reshape(-1)
        mirrors = np.array([row["mirrored"] for row in listed], np.uint64)
        self._windows = _Index(windows, max_distance)
        self._wholes = _Index(np.concatenate([windows[WHOLE :: len(WINDOWS)], mirrors]), max_distance)

    def cosines(self, straight: NDArray[np.float32], turned: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosines (pictures, references) of pictures' embeddings (pictures, dimensions), or of their mirror images' (``turned``) where those are nearer.

        One product a batch: 8 bytes a picture and reference, 2 MB for 32 pictures and 8,000 references. Raises ``ValueError`` where the references have no embeddings.
        """
        if self.embeddings is None:
            raise ValueError("the references have no embeddings")
        nearer: NDArray[np.float32] = np.maximum(straight @ self.embeddings.T, turned @ self.embeddings.T)
        return nearer

    def of(self, key: str, image: Image.Image, cosines: NDArray[np.float32] | None = None, min_cosine: float = 1.0) -> list[Lookalike]:
        """What an RGB picture looks like, by reference; ``key`` is its digest (20 hexadecimal digits).

        ``cosines`` are those of its embedding (references,): they stand beside what the hashes found, and those of ``min_cosine`` or more that they did not come after it.
        """
        found = self._hashed(key, image)
        if cosines is None:
            return list(found.values())
        known = [replace(one, cosine=float(cosines[place])) for place, one in found.items()]
        places = (place for place in np.flatnonzero(cosines >= min_cosine).tolist() if place not in found)
        return known + [Lookalike(*self.names[place], EMBEDDING, None, None, None, float(cosines[place])) for place in places]

    def _hashed(self, key: str, image: Image.Image) -> dict[int, Lookalike]:
        """What the hashes find, by the number of the reference and in its order."""
        found = {place: Lookalike(*self.names[place], EXACT, 0, 1.0, 1.0) for place in self.places.get(key, ())}
        for one in self._candidates(grey(image)):
            known = found.get(one.place)
            if known is not None and known.how == EXACT:
                continue
            alike, (left, top, right, bottom) = likeness(one.larger, one.window, one.smaller)
            if alike >= self.min_likeness and (known is None or alike > (known.likeness or 0.0)):
                share = (right - left) * (bottom - top)
                how = (MIRRORED if one.mirrored else NEAR) if share >= WHOLLY else (MIRRORED_CROP if one.mirrored else CROP)
                found[one.place] = Lookalike(*self.names[one.place], how, one.distance, alike, share)
        return dict(sorted(found.items()))

    def _candidates(self, small: Image.Image) -> list[_Candidate]:
        """The nearest of each reference, orientation and direction."""
        own, flipped = hashes(small), mirrored(small)
        found: dict[tuple[int, bool, bool], _Candidate] = {}

        def take(one: _Candidate) -> None:
            where = (one.place, one.mirrored, one.inside)
            if where not in found or one.distance < found[where].distance:
                found[where] = one

        for window, label, distance in self._wholes.near(own):
            turned, place = divmod(label, len(self.names))
            other = mirrored(self.greys[place]) if turned else self.greys[place]
            take(_Candidate(distance, place, bool(turned), True, small, WINDOWS[window], other))
        for turned, label, distance in self._windows.near(np.array([own[WHOLE], hashes(flipped)[WHOLE]])):
            place, window = divmod(label, len(WINDOWS))
            take(_Candidate(distance, place, bool(turned), False, self.greys[place], WINDOWS[window], flipped if turned else small))
        return list(found.values())


class _Index:
    """Hashes to be near to; those of pictures without detail are near to nothing."""

    def __init__(self, known: Hashes, max_distance: int) -> None:
        self._informative = informative_of(known)
        self._neighbours = Neighbours(known, max_distance)

    def near(self, asked: Hashes) -> Iterator[tuple[int, int, int]]:
        """Numbers of a hash that was asked for and of one that is known, and the bits they differ in."""
        limits, labels, distances = self._neighbours.of(asked)
        for number in np.flatnonzero(informative_of(asked)).tolist():
            span = slice(limits[number], limits[number + 1])
            for label, distance in zip(labels[span].tolist(), distances[span].tolist(), strict=True):
                if self._informative[label]:
                    yield number, label, distance


def _opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data), formats=("PNG",)) as opened:
        return opened.convert("L")
