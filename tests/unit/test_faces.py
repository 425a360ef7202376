"""Face similarity of pairs: the states with a stand-in reader, and the real one on photographs where its packages are there (issue 5)."""

import importlib.util
import io
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageEnhance

from unicedit.errors import PipelineError
from unicedit.map.compute import EngineError
from unicedit.scorers import faces_dlib
from unicedit.scorers.face_table import write_face_table
from unicedit.scorers.faces import Face, FaceScorer, overlap
from unicedit.scorers.faces_dlib import DlibFaces
from unicedit.scorers.pairs import Columns

COMMAND = Path(__file__).resolve().parents[2] / "workflow/scripts/face_similarity.py"
LEFT, RIGHT = (0.1, 0.1, 0.3, 0.3), (0.6, 0.1, 0.8, 0.3)
ANN, BOB = np.array([1.0, 0.0]), np.array([0.0, 1.0])


class Painted:
    """Reads what a test says is in a picture: by the colour of its first pixel."""

    same = 0.6

    def __init__(self, *pictures: list[Face]) -> None:
        self.pictures = pictures

    def faces(self, image: Image.Image) -> list[Face]:
        return self.pictures[image.getpixel((0, 0))[0]]  # type: ignore[index]


def picture(number: int) -> Image.Image:
    return Image.new("RGB", (40, 30), (number, 0, 0))


def png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("source", "edit", "state", "similarity"),
    [
        ([], [], "no_face", None),
        ([], [Face(LEFT, ANN)], "no_face", None),
        ([Face(LEFT, ANN)], [], "face_lost", None),
        ([Face(LEFT, ANN)], [Face(RIGHT, ANN)], "ok", 1.0),
        ([Face(LEFT, ANN)], [Face(LEFT, BOB)], "ok", 0.0),
        ([Face(LEFT, ANN)], [Face(LEFT, ANN * 3)], "ok", 1.0),
        ([Face(LEFT, ANN), Face(RIGHT, BOB)], [Face(RIGHT, BOB), Face(LEFT, ANN)], "several_faces", 1.0),
        ([Face(LEFT, ANN), Face(RIGHT, BOB)], [Face(RIGHT, ANN), Face(LEFT, BOB)], "several_faces", None),
        ([Face(LEFT, ANN), Face(RIGHT, ANN)], [Face(RIGHT, ANN + 0.1 * BOB), Face(LEFT, ANN)], "several_faces", (1 + 1 / 1.01**0.5) / 2),
        ([Face(LEFT, ANN), Face(RIGHT, BOB)], [Face(RIGHT, BOB)], "several_faces", 1.0),
    ],
)
def test_states_say_what_a_similarity_rests_on(source: list[Face], edit: list[Face], state: str, similarity: float | None) -> None:
    row = FaceScorer(Painted(source, edit)).score(picture(0), picture(1))
    assert row["face_state"] == state
    assert (row["faces_source"], row["faces_edit"]) == (len(source), len(edit))
    assert set(row) == set(FaceScorer.columns)
    if similarity is not None:
        assert row["face_similarity"] == pytest.approx(similarity)
    elif state != "several_faces":
        assert row["face_similarity"] is None and row["face_distance"] is None


def test_boxes_overlap_by_their_common_area() -> None:
    assert overlap(LEFT, LEFT) == pytest.approx(1.0)
    assert overlap(LEFT, RIGHT) == 0.0
    assert overlap((0, 0, 1, 1), (0.5, 0, 1.5, 1)) == pytest.approx(1 / 3)


READER = Painted([], [Face(LEFT, ANN)], [Face(LEFT, ANN * 1.5)])


def test_every_pair_of_a_folder_is_accounted_for(tmp_path: Path) -> None:
    for name, source, edit in (("a", 1, 2), ("b", 1, 0), ("c", 0, 1)):
        for side, number in (("source", source), ("edit", edit)):
            (tmp_path / "pairs" / side).mkdir(parents=True, exist_ok=True)
            picture(number).save(tmp_path / "pairs" / side / f"{name}.png")
    (tmp_path / "pairs/source/alone.png").write_bytes(png(picture(1)))
    (tmp_path / "pairs/source/torn.png").write_bytes(png(picture(1))[:60])
    (tmp_path / "pairs/edit/torn.png").write_bytes(png(picture(1)))
    said = write_face_table([tmp_path / "pairs"], tmp_path / "out.parquet", Columns(), READER)
    rows = {row["key"]: row for row in pq.read_table(tmp_path / "out.parquet").to_pylist()}
    assert {key: row["face_state"] for key, row in rows.items()} == {
        "a": "ok",
        "b": "face_lost",
        "c": "no_face",
        "alone": None,
        "torn": None,
    }
    assert rows["alone"]["reason"] == "missing: there is no edit" and rows["torn"]["reason"].endswith("(source)")
    assert Counter(row["status"] for row in rows.values()) == {"ok": 3, "failed": 2}
    assert said == (
        "5 pairs: ok 1, several_faces 0, face_lost 1, no_face 1, failed 2; face similarity 1.0000 (mean cosine of 1 pairs), "
        "the same person by the model's own bound (distance below 0.6) in 1"
    )


def test_parquet_files_of_the_dataset_are_read_as_they_are(tmp_path: Path) -> None:
    images = [{"bytes": png(picture(number)), "path": "/etc/passwd"} for number in (1, 2, 0)]
    table = {"key": ["x", "y", "z"], "src_image": [images[0]] * 3, "edit_image": [images[1], images[2], None]}
    pq.write_table(pa.table(table), tmp_path / "shard.parquet")
    write_face_table([tmp_path], tmp_path / "out", Columns(), READER)
    assert pq.read_table(tmp_path / "out")["face_state"].to_pylist() == ["ok", "face_lost", None]
    with pytest.raises(PipelineError, match="has no column before; it has key, src_image, edit_image"):
        write_face_table([tmp_path / "shard.parquet"], tmp_path / "other", Columns(source="before"), READER)
    with pytest.raises(PipelineError, match="no Parquet file, and no folder"):
        write_face_table([tmp_path / "nothing"], tmp_path / "other", Columns(), READER)
    assert not (tmp_path / "other").exists()


def test_a_missing_package_stops_the_command_and_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"pip install -r requirements-face\.txt"):
        DlibFaces()
    monkeypatch.undo()
    monkeypatch.setattr(faces_dlib, "_models", lambda: Path())
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(EngineError, match=r"pip install -r requirements-face\.txt"):
        DlibFaces()


there = all(importlib.util.find_spec(name) for name in ("dlib", "face_recognition_models"))
with_dlib = pytest.mark.skipif(not there, reason="dlib-bin or face_recognition_models is not installed (requirements-face.txt)")


@with_dlib
def test_real_faces_in_photographs(tmp_path: Path) -> None:
    from skimage import data

    astronaut, cat = Image.fromarray(data.astronaut()), Image.fromarray(data.chelsea())
    two = Image.new("RGB", (1024, 512))
    two.paste(astronaut, (0, 0))
    two.paste(ImageEnhance.Brightness(astronaut).enhance(1.3), (512, 0))
    cropped = astronaut.copy()
    cropped.paste((90, 90, 90), (150, 50, 300, 200))
    pairs: dict[str, tuple[Image.Image, Image.Image]] = {
        "brighter": (astronaut, ImageEnhance.Brightness(astronaut).enhance(1.4)),
        "smaller": (astronaut, astronaut.resize((300, 300))),
        "cat": (cat, cat),
        "covered": (astronaut, cropped),
        "two": (two, ImageEnhance.Color(two).enhance(0.3)),
    }
    for side in (0, 1):
        folder = tmp_path / "pairs" / ("source", "edit")[side]
        folder.mkdir(parents=True)
        for name, pair in pairs.items():
            pair[side].save(folder / f"{name}.png")
    done = subprocess.run(
        [sys.executable, str(COMMAND), str(tmp_path / "pairs"), "--out", str(tmp_path / "scores.parquet")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    rows: dict[str, dict[str, Any]] = {row["key"]: row for row in pq.read_table(tmp_path / "scores.parquet").to_pylist()}
    assert {key: row["face_state"] for key, row in rows.items()} == {
        "brighter": "ok", "smaller": "ok", "cat": "no_face", "covered": "face_lost", "two": "several_faces",
    }  # fmt: skip
    assert (rows["two"]["faces_source"], rows["two"]["faces_edit"]) == (2, 2)
    for name in ("brighter", "smaller", "two"):
        assert rows[name]["face_similarity"] > 0.97 and rows[name]["face_distance"] < 0.4, name
    assert done.stdout.startswith("5 pairs: ok 2, several_faces 1, face_lost 1, no_face 1, failed 0; face similarity 0.9")
