"""Face similarity of source and edit: is it still the same person?

The state says what the figure rests on: ``no_face`` (none in the source: nothing to compare), ``face_lost`` (the edit has none), ``several_faces`` (more than one on either
side; each of the source's is compared with the one of the edit's that matches best by similarity and place), ``ok`` (one each).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import pyarrow as pa
from PIL import Image

NO_FACE, FACE_LOST, SEVERAL_FACES, OK = STATES = ("no_face", "face_lost", "several_faces", "ok")
Vector = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Face:
    """Where a face is (left, top, right, bottom, as shares of the picture's sides), and the vector that tells whose it is."""

    box: tuple[float, float, float, float]
    vector: Vector


class FaceReader(Protocol):
    """``faces`` finds the faces of an RGB picture; ``same`` is the distance below which two vectors are taken for one person."""

    same: float

    def faces(self, image: Image.Image) -> list[Face]: ...


class FaceScorer:
    """Columns ``face_state``, ``face_similarity`` (cosine, -1..1) and ``face_distance`` (Euclidean) of the matched faces, on average, null without any; and how many
    faces either picture has.
    """

    columns: ClassVar[Mapping[str, pa.DataType]] = {
        "face_state": pa.string(),
        "face_similarity": pa.float64(),
        "face_distance": pa.float64(),
        "faces_source": pa.int32(),
        "faces_edit": pa.int32(),
    }

    def __init__(self, reader: FaceReader) -> None:
        self.reader = reader

    def score(self, source: Image.Image, edit: Image.Image) -> dict[str, Any]:
        before, after = self.reader.faces(source), self.reader.faces(edit)
        row: dict[str, Any] = {"face_similarity": None, "face_distance": None, "faces_source": len(before), "faces_edit": len(after)}
        if not before or not after:
            return row | {"face_state": FACE_LOST if before else NO_FACE}
        matched = _matched(before, after)
        return row | {
            "face_state": OK if len(before) == len(after) == 1 else SEVERAL_FACES,
            "face_similarity": float(np.mean([cosine(one.vector, other.vector) for one, other in matched])),
            "face_distance": float(np.mean([np.linalg.norm(one.vector - other.vector) for one, other in matched])),
        }


def _matched(before: Sequence[Face], after: Sequence[Face]) -> list[tuple[Face, Face]]:
    """Each face with at most one of the other picture, so that similarity and common area are largest in all."""
    from scipy.optimize import linear_sum_assignment

    gain = [[cosine(one.vector, other.vector) + overlap(one.box, other.box) for other in after] for one in before]
    rows, columns = linear_sum_assignment(np.array(gain), maximize=True)
    return [(before[row], after[column]) for row, column in zip(rows, columns, strict=True)]


def cosine(one: Vector, other: Vector) -> float:
    """Cosine of the angle between two vectors, 0 where one has no length."""
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths else 0.0


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Common area of two boxes over the area of both together, 0..1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(0.0, width) * max(0.0, height)
    both = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)) - common
    return common / both if both > 0 else 0.0


def summary(states: Mapping[str, int], similarities: Sequence[float], distances: Sequence[float], same: float) -> str:
    """What the scores of many pairs say, in one line."""
    counts = ", ".join(f"{name} {states.get(name, 0):,}" for name in (*reversed(STATES), "failed"))
    line = f"{sum(states.values()):,} pairs: {counts}"
    if not similarities:
        return f"{line}; no pair has faces to compare"
    kept = sum(distance < same for distance in distances)
    return (
        f"{line}; face similarity {np.mean(similarities):.4f} (mean cosine of {len(similarities):,} pairs), "
        f"the same person by the model's own bound (distance below {same:g}) in {kept:,}"
    )
