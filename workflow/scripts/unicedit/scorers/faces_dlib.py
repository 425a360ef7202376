"""Faces by dlib: its frontal detector (gradients, upright faces) and its recognition network, whose vectors of 128 numbers lie closer than 0.6 for one person.

The packages are an option: ``pip install -r requirements-face.txt`` (or envs/face.yaml). The weights come with face_recognition_models, about 100 MB, and nothing is downloaded.
"""

import importlib.util
from pathlib import Path

import numpy as np
from PIL import Image

from unicedit.map.compute import EngineError
from unicedit.scorers.faces import Face

REMEDY = "face similarity needs dlib-bin and face_recognition_models: pip install -r requirements-face.txt"
MAX_SIDE = 1024  # larger pictures are reduced: a face that matters is larger than 40 pixels there
_LANDMARKS = "shape_predictor_5_face_landmarks.dat"
_NETWORK = "dlib_face_recognition_resnet_model_v1.dat"


class DlibFaces:
    """Finds faces from about 40 pixels on. ``min_score``: what the detector says of a find, about 1 for a clear face; the badge on the astronaut's suit in
    scikit-image's portrait has 0.1. Raises ``EngineError`` where a package is missing.
    """

    same = 0.6  # of dlib's network, by its author

    def __init__(self, min_score: float = 0.2) -> None:
        folder = _models()
        try:
            import dlib
        except ImportError as error:
            raise EngineError(f"{REMEDY} ({error})") from error
        self.min_score = min_score
        self._dlib = dlib
        self._detector = dlib.get_frontal_face_detector()
        self._landmarks = dlib.shape_predictor(str(folder / _LANDMARKS))
        self._network = dlib.face_recognition_model_v1(str(folder / _NETWORK))

    def faces(self, image: Image.Image) -> list[Face]:
        if max(image.size) > MAX_SIDE:
            image = image.copy()
            image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
        pixels = np.ascontiguousarray(image)
        found, _, _ = self._detector.run(pixels, 1, self.min_score)
        width, height = image.size
        return [
            Face(
                (box.left() / width, box.top() / height, box.right() / width, box.bottom() / height),
                np.array(self._network.compute_face_descriptor(pixels, self._landmarks(pixels, box))),
            )
            for box in found
        ]


def _models() -> Path:
    """The folder of the weights. The package itself is not imported: its only module needs pkg_resources, which Python no longer brings."""
    found = importlib.util.find_spec("face_recognition_models")
    if found is None or found.origin is None:
        raise EngineError(REMEDY)
    return Path(found.origin).parent / "models"
